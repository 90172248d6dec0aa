# The exporter with its local sources, for compose.yaml alone: ../Dockerfile makes the image to run.
FROM python:3.11.13-slim-bookworm
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements/build.txt requirements/demo.txt requirements/
RUN python -m pip install --no-deps --require-hashes --only-binary :all: -r requirements/build.txt -r requirements/demo.txt
COPY . .
RUN python -m pip install --no-deps --no-build-isolation .
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /
USER 65532:65532
EXPOSE 9189
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "/src/compose/demo.py"]
CMD ["0.0.0.0:9189"]

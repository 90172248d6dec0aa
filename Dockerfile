# The exporter alone: no emulators, no build tools, no pip. CONTRIBUTING.md says how to pin the base by digest as well.
ARG PYTHON_IMAGE=python:3.13.7-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements/build.txt requirements/prod.txt requirements/
# The folder of the ledger, which the image's user may write.
RUN mkdir /state
# Dependencies first: they change less often than the code.
RUN python -m venv --without-pip /opt/exporter \
 && python -m pip --python /opt/exporter/bin/python install --no-deps --require-hashes --only-binary :all: -r requirements/prod.txt
RUN python -m pip install --no-deps --require-hashes --only-binary :all: -r requirements/build.txt
COPY . .
# The local servers of demo, replay and the tests.
RUN rm -r exporter/emulators
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && python -m pip --python /opt/exporter/bin/python install --no-deps --no-index /dist/*.whl

FROM ${PYTHON_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
ARG PYTHON_IMAGE
LABEL org.opencontainers.image.title="orchestration-exporter" \
      org.opencontainers.image.description="Prometheus exporter that reconciles a data pipeline's records of its own work" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
COPY --from=build /opt/exporter /opt/exporter
COPY --from=build --chown=65532:65532 /state /var/lib/orchestration-exporter
# The ledger is all that is written at run time, so the root file system can be read-only.
ENV PATH=/opt/exporter/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 STATE_DIRECTORY=/var/lib/orchestration-exporter
VOLUME /var/lib/orchestration-exporter
WORKDIR /
USER 65532:65532
EXPOSE 9189
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["python", "-m", "exporter.health", "http://127.0.0.1:9189/-/healthy"]
ENTRYPOINT ["orchestration-exporter"]
CMD ["run", "--config.file=/etc/orchestration-exporter/config.yaml"]

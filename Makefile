# `make demo` and `make test` are all the set-up there is: each installs what it needs and lacks.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh
.SHELLFLAGS := -euc

# Without compiled modules each Python process that a test starts compiles them all again, which takes two seconds.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
# The folders that hold Python.
CODE := $(foreach folder,exporter tests testing tools benchmarks alerts grafana compose,$(if $(shell find $(folder) -name '*.py' 2>/dev/null | head -n 1),$(folder)))
# Further arguments for the command that a target runs: make test ARGS="-k trigger", make demo ARGS=--help
ARGS ?=
# The file whose tests make quick runs.
FILE ?=
# Folders with other versions of Prometheus, promtool, Alertmanager and amtool, for make matrix.
VERSIONS ?=
# What make fuzz reads, and for how long each.
TARGETS ?= configuration web_configuration client_configuration incident document accept request
SECONDS ?= 60
# Programs that the tests run, by the Debian package that brings them. Since Debian 13 promtool has a package of its own,
# on which that of prometheus depends: promtool can be there alone.
PROGRAMS := prometheus:prometheus prometheus:promtool \
  prometheus-alertmanager:prometheus-alertmanager prometheus-alertmanager:amtool chromium:chromium systemd:systemd-analyze \
  curl:curl

# Three processes for two cores, for many tests wait; the longest files first (tests/conftest.py). The 20 slowest tests are
# told at the end.
PYTEST := $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=20
# What decides, and what says it: from the configuration to verdicts, words and samples.
UNIT := tests/config tests/memory/test_losses.py tests/metrics tests/present tests/reconcile

# Twice quiet: pip's warnings about indexes that lack a package are none of ours; its errors still show.
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --no-input install -qq
# The locks are complete, so nothing is left to resolve: a pip that looked for itself could find a release newer than the pin.
LOCKED := $(INSTALL) --no-deps --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Set-up: what is installed follows from the lock files alone. The lock of the tests holds all of the demo's.

$(VENV)/.created:
	@python="$$(tools/find-python)"; \
	"$$python" -c 'import ensurepip, venv' 2>/dev/null || \
	  tools/ensure-system-packages "$$("$$python" -c 'import sys; print("python{}.{}-venv".format(*sys.version_info))')"; \
	echo "Creating $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.created pyproject.toml requirements/build.txt requirements/demo.txt
	@echo "Installing the exporter and its local sources into $(VENV)"
	@$(LOCKED) -r requirements/build.txt -r requirements/demo.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.created pyproject.toml requirements/dev.txt
	@echo "Installing the exporter, its local sources and the tests' tools into $(VENV)"
	@$(LOCKED) -r requirements/dev.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.demo $@

.PHONY: demo
demo: $(VENV)/.demo ## Run the exporter on local sources that hold the demo day
	@exec $(BIN)/orchestration-exporter demo $(ARGS)

# A part of the tests (ARGS) says nothing about how much code is run: only the whole is held to the bound of tests/_lines.py.
# Pytest comes last, and ends the output.
.PHONY: test
test: export COUNT_LINES = $(if $(ARGS),,1)
test: check ## Run all checks and all tests; with ARGS, only these tests
	@tools/ensure-system-packages $(PROGRAMS)
	@exec $(PYTEST) $(ARGS)

.PHONY: unit
unit: $(VENV)/.dev ## Run the tests of decisions alone: no lint, no server, no simulated days
	@exec $(PYTEST) --quiet --decisions -m "not simulated" $(UNIT) $(ARGS)

# make quick FILE=tests/test_health.py ARGS="-k wait"
.PHONY: quick
quick: $(VENV)/.dev ## Run the tests of one FILE, without lint and without collecting the others
	@test -n "$(FILE)" || { echo "error: name a file: make quick FILE=tests/test_health.py" >&2; exit 2; }
	@exec $(BIN)/python -m pytest --quiet $(FILE) $(ARGS)

# make matrix VERSIONS="/opt/prometheus-2.53 /opt/prometheus-3.5:/opt/alertmanager-0.33" ARGS="-k message"
.PHONY: matrix
matrix: $(VENV)/.dev ## Run the tests of rules, messages and scrapes with each of VERSIONS too
	@tools/ensure-system-packages $(PROGRAMS)
	@exec $(BIN)/python -m tools.matrix $(VERSIONS) -- $(ARGS)

.PHONY: check
check: $(VENV)/.dev ## Lint, formatting, types and import contracts
	$(BIN)/ruff check --quiet $(CODE)
	$(BIN)/ruff format --quiet --check $(CODE)
	$(BIN)/mypy --no-error-summary $(CODE)
	@PYTHONPATH=. $(BIN)/lint-imports --no-logo

.PHONY: format
format: $(VENV)/.dev ## Format the code, and mend what lint can mend by itself
	$(BIN)/ruff check --quiet --fix $(CODE)
	$(BIN)/ruff format $(CODE)

.PHONY: record
record: export RECORD_FIRESTORE_EMULATOR = 1
record: $(VENV)/.dev ## Write down what Google's Firestore emulator answers to the conformance tests
	@exec $(BIN)/python -m pytest tests/conformance tests/integration/test_probe_writes.py

.PHONY: bench
bench: $(VENV)/.dev ## Measure speed and memory, side by side with the alternatives
	@exec $(BIN)/python -m benchmarks $(ARGS)

# make load SECONDS=20
.PHONY: load
load: SECONDS = 300
load: $(VENV)/.dev ## Scrape 1,000 times a second for SECONDS, beside idle, slow, rude and guessing clients
	@exec $(BIN)/python -m benchmarks.load $(SECONDS) $(ARGS)

.PHONY: notifications
notifications: $(VENV)/.dev ## Measure the time from every fault to its message
	@tools/ensure-system-packages $(PROGRAMS)
	@exec $(BIN)/python -m tools.alerting.detection $(ARGS)

.PHONY: lived
lived: $(VENV)/.dev ## Live through five days as somebody who is paged: message, page, terminal and runbook, in build/lived
	@tools/ensure-system-packages $(PROGRAMS)
	@PYTHONPATH=. exec $(BIN)/python -m tools.alerting.lived $(ARGS)

.PHONY: scorecard
scorecard: $(VENV)/.dev ## Replay all incident files, and say of every alert whether it was right and how soon
	@tools/ensure-system-packages $(PROGRAMS)
	@exec $(BIN)/python -m tools.alerting.scorecard $(ARGS)

.PHONY: mutants
mutants: $(VENV)/.dev ## Try every small fault in every alert rule; with ARGS=--report, write alerts/tests/MUTATION.md
	@tools/ensure-system-packages $(PROGRAMS)
	@$(BIN)/python -m tools.alerting.mutate $(ARGS)
	@$(if $(ARGS),,$(BIN)/python -m tools.alerting.mutate --by-labels)

.PHONY: long
long: export LONG_FORMS = 1
long: $(VENV)/.dev ## Watch a whole week of healthy days, and capture and replay every incident file
	@tools/ensure-system-packages $(PROGRAMS)
	@exec $(PYTEST) --quiet tests/incidents/test_healthy_week.py tests/incidents/test_capture.py \
	  tests/integration/test_secrets_everywhere.py tests/alerts/test_forms.py $(ARGS)

.PHONY: pictures
pictures: $(VENV)/.dev ## Make the pictures under docs/images again
	@tools/ensure-system-packages $(PROGRAMS)
	@PYTHONPATH=. exec $(BIN)/python tools/pictures.py $(ARGS)

.PHONY: dashboards
dashboards: $(VENV)/.dev ## Write grafana/dashboards again from their source
	@exec $(BIN)/python -m grafana.build $(ARGS)

.PHONY: losses
losses: $(VENV)/.dev ## Kill the ledger 500 times while it writes, and judge losses in 300 random histories
	@LOSS_HISTORIES=200 $(BIN)/python -m pytest -q tests/conformance/test_following.py
	@folder="$$(mktemp -d)"; trap 'rm -rf "$$folder"' EXIT; $(BIN)/python -m testing.ledger_victim 500 "$$folder"

.PHONY: interrupts
interrupts: $(VENV)/.dev ## End run and check by a signal at 1,000 random moments
	@$(BIN)/python -m testing.interrupts 1000 $(ARGS)

.PHONY: soak
soak: $(VENV)/.dev ## Run the whole exporter through thirty simulated days
	@tools/ensure-system-packages $(PROGRAMS)
	@exec $(BIN)/python -m testing.soak 10 $(ARGS)

# Beside the environment, not in it: the fuzzer is no part of what the tests run in.
build/fuzz: requirements/fuzz.txt
	@rm -rf $@
	@$(LOCKED) --target $@ -r requirements/fuzz.txt
	@mkdir -p $@

# make fuzz SECONDS=600 TARGETS="incident request"
.PHONY: fuzz
fuzz: $(VENV)/.dev build/fuzz ## Search for bytes that break a reader: SECONDS for each of TARGETS
	@for target in $(TARGETS); do PYTHONPATH=build/fuzz $(BIN)/python -m testing.fuzz "$$target" $(SECONDS); done

# Not part of the tests: it installs many packages, and what it watches is other people's.
.PHONY: findings
findings: ## Run every script of findings/ and list which surprises still hold
	@failed=0; log="$$(mktemp)"; trap 'rm -f "$$log"' EXIT; export PYTHON="$$(tools/find-python)"; \
	for script in findings/*.sh; do \
	  if "$$script" >"$$log" 2>&1; then result=holds; else failed=1; result="$$(grep CHANGED "$$log" || tail -n 1 "$$log")"; fi; \
	  printf '%-50s %s\n' "$$(basename "$$script" .sh)" "$$result"; \
	done; exit "$$failed"

.PHONY: docs
docs: $(VENV)/.dev ## Regenerate the pages under docs/ that follow from the code
	$(BIN)/python tools/gendocs.py $(ARGS)

# Not --quiet, which hides the warnings from --strict too: a link to a page or heading that does not exist is an error.
.PHONY: site
site: export NO_MKDOCS_2_WARNING = 1
site: $(VENV)/.dev ## Build the documentation as a site in build/site, without network, and check its links
	@$(BIN)/mkdocs build $(ARGS)

# From the lock file alone, without network.
.PHONY: sbom
sbom: $(VENV)/.dev build/sbom.json ## Write what a production install holds, as CycloneDX, into build/sbom.json

build/sbom.json: requirements/prod.txt pyproject.toml
	@mkdir -p build
	@$(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements requirements/prod.txt --pyproject pyproject.toml --output-reproducible -o $@

# make advisories ARCHIVE=all.zip
.PHONY: advisories
advisories: $(VENV)/.dev ## Look the pinned versions up in ARCHIVE, a list of advisories
	@test -n "$(ARCHIVE)" || { echo "error: name OSV's archive of PyPI: make advisories ARCHIVE=all.zip" >&2; exit 2; }
	@exec $(BIN)/python -m tools.advisories $(ARCHIVE) $(ARGS)

# The same commit gives the same bytes, so that anybody can check them against SHA256SUMS.
.PHONY: dist
dist: $(VENV)/.dev ## Build what a release has in dist/: wheel, source distribution, checksums
	rm -rf dist
	$(BIN)/python -m build --no-isolation >/dev/null
	@cd dist && sha256sum *.whl *.tar.gz | tee SHA256SUMS

# Keeps the pins that still fit; make lock ARGS=--upgrade takes the newest. No index address gets into the files.
.PHONY: lock
lock: export UV_CUSTOM_COMPILE_COMMAND = make lock
lock: $(VENV)/.dev ## Pin the dependencies of pyproject.toml again, with hashes
	$(COMPILE) $(ARGS) --all-extras pyproject.toml --output-file requirements/dev.txt
	$(COMPILE) --extra demo --constraints requirements/dev.txt pyproject.toml --output-file requirements/demo.txt
	$(COMPILE) --constraints requirements/dev.txt pyproject.toml --output-file requirements/prod.txt
	$(COMPILE) --constraints requirements/dev.txt requirements/build.in --output-file requirements/build.txt
	$(COMPILE) requirements/fuzz.in --output-file requirements/fuzz.txt

.PHONY: clean
clean: ## Remove what was installed and produced here
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

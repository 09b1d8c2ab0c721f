# Two commands do everything: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-slow chromium postgresql results bench-check lint drift clean audit

demo: $(READY)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m gammapygpt.demo

test: lint chromium postgresql
	$(BIN)/pytest -n 4 --dist worksteal

test-slow: $(READY) chromium postgresql
	$(BIN)/pytest -m slow

# the browser of tests/browser, from Debian, where this may install it; the tests say what they skip without it
chromium:
	@command -v chromium >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing chromium for the tests of the web page ..."; \
		{ apt-get update && apt-get install --yes --no-install-recommends chromium; } >/dev/null 2>&1 || \
		echo "chromium could not be installed: the tests of the web page are skipped"; \
	else \
		echo "no chromium here: the tests of the web page are skipped (apt-get install chromium, as root)"; \
	fi

# the server of the tests of checkpoints in Postgres, from Debian, without the cluster that Debian would start
postgresql:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing postgresql for the tests of checkpoints ..."; \
		{ export DEBIAN_FRONTEND=noninteractive; apt-get update && \
		apt-get install --yes --no-install-recommends postgresql-common && \
		sed -i 's/^#*create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf && \
		apt-get install --yes --no-install-recommends postgresql; } >/dev/null 2>&1 || \
		echo "postgresql could not be installed: the tests of checkpoints in Postgres are skipped"; \
	else \
		echo "no postgresql here: the tests of checkpoints in Postgres are skipped (apt-get install postgresql, as root)"; \
	fi

# every task answered by its reference script, in the sandbox; needs the data that the tasks name
bench-check: $(READY)
	$(BIN)/python -m gammapygpt bench check --workers 2

# the campaign of benchmarks/results: goes on where it is, and needs the model that its settings name on loopback
CAMPAIGN := benchmarks/results/local-1.5b
ARMS := --ablate planner,critic,optimiser,retrieval,api-gate,drafts --baselines single-shot,bare-loop,cookbook,peer
RUN_CAMPAIGN := $(BIN)/gammapygpt bench run --tasks public --config $(CAMPAIGN)/settings.toml --out $(CAMPAIGN) --attempts 3
results: $(READY)
	$(RUN_CAMPAIGN) $(ARMS)
	$(RUN_CAMPAIGN) --epochs 2 --baselines bare-loop
	$(BIN)/gammapygpt bench report $(CAMPAIGN)
	$(BIN)/python scripts/results_table.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# the drift table, anew: after a release of Gammapy, add it to RELEASES in scripts/drift_table.py
RELEASE_SOURCES ?= $(VENV)/releases
drift: $(READY)
	mkdir -p $(RELEASE_SOURCES)
	$(BIN)/python scripts/drift_table.py $(RELEASE_SOURCES)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gammapygpt needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

# pins, licences, known weaknesses of what this is made of; WRITE=--write lays the licences down anew
AUDIT := $(VENV)/audit
audit: $(READY)
	test -x $(AUDIT)/bin/pip-audit || { $(PYTHON) -m venv $(AUDIT) && $(AUDIT)/bin/python -m pip install --quiet pip-audit==2.10.1 pip-licenses==5.5.5; }
	$(BIN)/python scripts/audit.py --tools $(AUDIT) $(WRITE)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

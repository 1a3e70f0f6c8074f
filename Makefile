# What people type. Needs python3 (3.11 or newer, with venv and pip) and make; everything else comes into .venv.
#
# Belongs here: setting up, and one name for each thing that is run by hand. Does not belong here: what the commands do.
# Works with GNU make 3.81 and newer and any POSIX shell.

VENV := .venv
BIN := $(VENV)/bin
UV ?= uv
PORT ?= 3000
ARGS ?=

# The first Python that is new enough; `make PYTHON=/path/to/python3 …` chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)

# A set-up is good for one content of the locks, one place on disk and one Python. Its stamp carries all of them in its
# name, so times of files (git changes them) say nothing, and a moved folder is set up again.
HERE := $(shell { pwd; $(PYTHON) -c 'import sys; print(sys.version)' 2>/dev/null; } | cksum | tr -d ' ')
READY_RUN := $(VENV)/.ready-run-$(shell cat requirements.lock pyproject.toml | cksum | tr -d ' ')
READY_DEV := $(VENV)/.ready-dev-$(shell cat requirements.lock requirements-dev.lock pyproject.toml | cksum | tr -d ' ')
READY_EXTRA := $(VENV)/.ready-extra-$(shell cat requirements.lock requirements-extra.lock pyproject.toml | cksum | tr -d ' ')
READY_SPARK := $(VENV)/.ready-spark-$(shell cat requirements.lock requirements-spark.lock pyproject.toml | cksum | tr -d ' ')
READY_VENV := $(VENV)/.made-$(HERE)
UNFINISHED := $(VENV)/.unfinished

export DAGSTER_DISABLE_TELEMETRY := yes
export GX_ANALYTICS_ENABLED := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# With it every start compiles thousands of modules again and takes three times as long.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONHOME
unexport PYTHONPATH

.DEFAULT_GOAL := help
# Two set-ups at once would be in each other's way.
.NOTPARALLEL:
.PHONY: help run test ui lint bench soak extra spark lock docs clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1  \2/p' Makefile | awk '{ printf "  make %-6s", $$2; $$1 = $$2 = ""; print }'

run: $(READY_RUN)  ## load what changed, check it, publish it, print the headline trend
	@$(BIN)/weathervane refresh $(ARGS) || { code=$$?; \
	  if [ $$code -eq 2 ]; then echo "weathervane refresh: exit code 2. Some releases are set aside (named above); all others are published."; \
	  else echo "weathervane refresh: exit code $$code. Nothing new was published; what was published before stays."; fi >&2; \
	  exit $$code; }
	@command -v weathervane >/dev/null || echo "(weathervane is in $(BIN); to have it on the path: . $(BIN)/activate)"

test: $(READY_DEV)  ## the tests, on two processes (ARGS="-k sql" chooses)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not soak" $(ARGS)

ui: $(READY_RUN)  ## Dagster on 127.0.0.1 (PORT=3000)
	@$(BIN)/weathervane ui --port $(PORT)

lint: $(READY_DEV)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY_DEV)  ## how long refresh, estimation and guards take (ARGS="refresh 500 estimation 10000")
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(READY_DEV)  ## the long and destructive tests
	$(BIN)/python -m pytest -m soak $(ARGS)

extra: $(READY_EXTRA)  ## put three more surveys into data/inbox (GSS, ESS, CES; a package of 50 MB)
	@$(BIN)/weathervane extra

spark: $(READY_SPARK)  ## install what estimates on a Spark cluster need (a package of 480 MB; Java 17 is yours to install)
	@command -v java >/dev/null || echo "Spark needs Java 17 or newer. On Debian and Ubuntu: apt-get install openjdk-17-jre-headless"
	@echo "Now: $(BIN)/weathervane estimate --engine spark --master local[2]   (docs/scale.md)"

docs: $(READY_RUN)  ## write the generated pages: docs/tables.md, docs/schemas/
	@$(BIN)/weathervane docs

# --no-emit-index-url, --no-header and --no-annotate: the locks name no host and no folder of whoever made them.
LOCK := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
lock:  ## resolve requirements*.in into requirements*.lock (needs uv; ARGS=--upgrade takes newer versions)
	@command -v "$(UV)" >/dev/null || { echo "uv is not there; 'pip install uv', or say where it is: make lock UV=/path/to/uv" >&2; exit 1; }
	$(UV) $(LOCK) $(ARGS) requirements.in -o requirements.lock
	$(UV) $(LOCK) $(ARGS) requirements-dev.in -c requirements.lock -o requirements-dev.lock
	$(UV) $(LOCK) $(ARGS) requirements-extra.in -c requirements.lock -o requirements-extra.lock
	$(UV) $(LOCK) $(ARGS) requirements-spark.in -c requirements.lock -o requirements-spark.lock

clean:  ## remove .venv and caches; data/ stays
	rm -rf $(VENV) weathervane.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find assets benchmarks pipeline schemas tests warehouse -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- setting up -----------------------------------------------------------------------------------------------------

# The marker lies in .venv while packages are installed: what a killed set-up left is not mended but made anew.
$(READY_VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Weathervane needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1)." >&2; \
	  echo "Choose another: make run PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version 2>&1)"
	@$(PYTHON) -m venv --clear $(VENV) || { \
	  echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@touch $@

# $(1): the lock. $(2): more for pip. Counts pip's lines: a hundred packages take a minute or more, and silence looks like a hang.
define install
@test ! -e $(UNFINISHED) || { echo "the last set-up was interrupted; starting anew"; \
  rm -f $(READY_VENV); $(PYTHON) -m venv --clear $(VENV) && touch $(READY_VENV); }
@echo "installing the packages of $(1)"
@touch $(UNFINISHED)
@{ PYTHONUNBUFFERED=1 $(BIN)/python -m pip install --no-input --progress-bar off --require-hashes --no-deps --only-binary :all: $(2) -r $(1) \
    && $(BIN)/python -m pip install --no-input --quiet --no-deps --no-build-isolation -e . && rm -f $(UNFINISHED); } | { n=0; \
  while read -r word rest; do case "$$word $$rest" in \
    Collecting*) n=$$((n + 1)); test $$((n % 20)) -ne 0 || echo "  $$n packages found";; \
    Downloading*"("[0-9][0-9]*" MB)") echo "  fetching $$rest";; \
    Installing*) echo "  installing $$n packages (about a minute)";; \
  esac; done; }
@test ! -e $(UNFINISHED) || { echo "the set-up failed; pip says why above" >&2; exit 1; }
endef

$(READY_RUN): $(READY_VENV)
	$(call install,requirements.lock)
	@rm -f $(VENV)/.ready-run-* && touch $@

$(READY_DEV): $(READY_VENV)
	$(call install,requirements-dev.lock)
	@rm -f $(VENV)/.ready-* && touch $(READY_RUN) $@

$(READY_EXTRA): $(READY_RUN)
	$(call install,requirements-extra.lock)
	@rm -f $(VENV)/.ready-extra-* && touch $@

# PySpark comes as source, which is Python and jars; it is built with the setuptools of the first lock.
$(READY_SPARK): $(READY_RUN)
	$(call install,requirements-spark.lock,--no-binary pyspark --no-build-isolation)
	@rm -f $(VENV)/.ready-spark-* && touch $@

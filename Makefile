# The commands of the project. Each installs what it needs into .venv, from the lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONFIG ?=

.PHONY: demo test manifest dist dist-test image image-test example-test spark-test picture picture-test reliability \
	bench bench-accounts lint lock clean help
.DEFAULT_GOAL := help

help:  ## show the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

# The lock is complete and its hashes are checked, so nothing is resolved; the project itself is installed as it stands.
$(VENV)/installed: pyproject.toml locks/dev.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r locks/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: $(VENV)/installed  ## sync every stream into invoices.duckdb and invoices.html, from the sandbox or from CONFIG=my.json
	$(BIN)/python -m demo $(if $(CONFIG),--config '$(CONFIG)')

test: $(VENV)/installed  ## run all tests
	$(BIN)/python -m pytest -n auto --dist worksteal

manifest: $(VENV)/installed  ## write the connector as one manifest and one components.py into dist/manifest-only
	$(BIN)/python -m tools.one_file_manifest.one_file

dist: $(VENV)/installed  ## build sdist and wheel into dist
	rm -f dist/*.tar.gz dist/*.whl
	$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist

dist-test: dist  ## install the wheel on each Python version that is here, and read with it
	$(BIN)/python -m pytest system_tests/wheel

image:  ## build the image, with podman or docker
	$(PYTHON) -m tools.containers

# Where Airbyte's base image cannot be pulled, a stand-in takes its place, and is named.
image-test: $(VENV)/installed  ## build the image and test it in containers against the sandbox
	$(PYTHON) -m tools.containers --stand-in
	$(BIN)/python -m pytest system_tests/image

# In an environment of its own: Airflow, Dagster, Meltano and dlt bring hundreds of packages. uv is quicker with them.
.venv-examples/installed: $(VENV)/installed pyproject.toml locks/examples.lock
	$(PYTHON) -m venv .venv-examples
	$(BIN)/uv pip install --quiet --python .venv-examples/bin/python --no-deps --require-hashes --compile-bytecode \
		-r locks/examples.lock
	$(BIN)/uv pip install --quiet --python .venv-examples/bin/python --no-deps --no-build-isolation -e .
	touch $@

# The image is tested where `make image-test` has built it, PostgreSQL where it is (system_tests/postgresql/install.sh).
example-test: $(VENV)/installed .venv-examples/installed  ## run the examples, with PyAirbyte, dlt, Airflow, Dagster, Meltano
	$(BIN)/python -m pytest -n auto --dist worksteal system_tests/examples

# In an environment of its own, as Spark's executors have: the connector is in the other one.
.venv-spark/installed: $(VENV)/installed pyproject.toml locks/spark.lock
	$(PYTHON) -m venv .venv-spark
	$(BIN)/uv pip install --quiet --python .venv-spark/bin/python --no-deps --require-hashes --compile-bytecode \
		-r locks/spark.lock
	touch $@

# Java 17 is needed (system_tests/spark/install.sh).
spark-test: $(VENV)/installed .venv-spark/installed  ## run the example for Spark, with many accounts
	$(BIN)/python -m pytest -n 2 --dist loadfile system_tests/spark

picture-test: $(VENV)/installed  ## look at the page of the demo in Chromium
	$(BIN)/python -m pytest system_tests/browser

picture: $(VENV)/installed  ## renew docs/invoices.png, the top of that page
	$(BIN)/python -m system_tests.browser.screenshot

reliability: $(VENV)/installed  ## renew the tables of faults in docs/reliability.md
	$(BIN)/python -m integration_tests.support.reliability > /dev/null

# What the connector is measured against is in one environment; in another is the connector as its users install it, with
# nothing that would make its start longer.
.venv-bench/installed: pyproject.toml locks/bench.lock locks/runtime.lock
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r locks/bench.lock
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(PYTHON) -m venv .venv-bench/connector
	.venv-bench/connector/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r locks/runtime.lock
	touch $@

bench: .venv-bench/installed dist  ## measure against other readers, into tools/benchmarks/README.md; an hour (Python 3.11)
	.venv-bench/connector/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall \
		dist/*.whl
	.venv-bench/bin/python -m tools.benchmarks

bench-accounts: $(VENV)/installed .venv-spark/installed  ## measure the jobs for many accounts, for docs/many-accounts.md
	$(BIN)/python -m tools.benchmarks.many_accounts

lint: $(VENV)/installed  ## check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

lock: $(VENV)/installed  ## renew the locks from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --extra demo --extra dev --generate-hashes \
		--no-emit-index-url --no-header --upgrade pyproject.toml --output-file locks/dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --constraint locks/dev.lock --generate-hashes \
		--no-emit-index-url --no-header pyproject.toml --output-file locks/runtime.lock
	$(BIN)/uv pip compile --quiet --python-version 3.11 --extra bench --generate-hashes \
		--no-emit-index-url --no-header --upgrade pyproject.toml --output-file locks/bench.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --extra examples --generate-hashes \
		--no-emit-index-url --no-header --upgrade pyproject.toml --output-file locks/examples.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --group spark --generate-hashes \
		--no-emit-index-url --no-header --upgrade --output-file locks/spark.lock

clean:  ## remove what the other commands made
	rm -rf $(VENV) .venv-bench .venv-examples .venv-spark .tmp build dist invoices.duckdb invoices.html

# The commands of the project. The demo installs what it needs into .venv-demo, the others into .venv, from locks/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .venv-demo
CONFIG ?=
IPXO_CURRENCY ?=
# The demo gets both from its environment, as they were typed: paths may have blanks, quotes and dollars.
override CONFIG := $(value CONFIG)
override IPXO_CURRENCY := $(value IPXO_CURRENCY)
export CONFIG IPXO_CURRENCY
# GitHub sets these names where the release workflow runs.
TAG ?= $(GITHUB_REF_NAME)
REGISTRY ?= ghcr.io/$(GITHUB_REPOSITORY_OWNER)
UPGRADE ?= --upgrade

.PHONY: demo test coverage manifest manifest-zip dist dist-test demo-test waits-test image image-test image-push \
	example-test books-test sql spark-test picture picture-test reliability hostile models bench bench-accounts lint lock \
	audit release-check publish release-page clean help
.DEFAULT_GOAL := help

help:  ## show the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

# The lock names every package with its hash, so pip resolves nothing. The project itself is installed in place. PyAirbyte,
# which is not here on Python 3.13, holds back packages: there the tests run with what the wheel and the image have.
$(VENV)/installed: pyproject.toml locks/dev.txt locks/runtime.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r locks/dev.txt
	if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 13))'; then $(BIN)/python -m pip install --quiet \
		--disable-pip-version-check --no-deps --require-hashes -r locks/runtime.txt; fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo:  ## sync into a DuckDB file and make the books, from the sandbox or from CONFIG=my.json
	@$(PYTHON) demo/environment.py $(DEMO)
	@$(DEMO)/bin/python -m demo $${CONFIG:+"--config=$$CONFIG"} $${IPXO_CURRENCY:+"--ipxo-currency=$$IPXO_CURRENCY"}

# Many tests wait for the sandbox, so there is one worker more than there are cores.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

test: $(VENV)/installed  ## run all tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

coverage: $(VENV)/installed  ## run all tests, and measure how much of the connector they run
	rm -rf .tmp/coverage && mkdir -p .tmp/coverage
	$(BIN)/coverage run -m pytest -n auto --dist worksteal
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

manifest: $(VENV)/installed  ## write the connector as one manifest and one components.py into dist/manifest-only
	$(BIN)/python -m tools.one_file_manifest.one_file

manifest-zip: manifest  ## pack these two files into dist/manifest-only.zip
	rm -f dist/manifest-only.zip
	cd dist/manifest-only && $(abspath $(BIN))/python -m zipfile -c ../manifest-only.zip manifest.yaml components.py

dist: $(VENV)/installed  ## build sdist and wheel into dist
	rm -f dist/*.tar.gz dist/*.whl
	$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist

dist-test: dist  ## install the wheel with each Python version found here, and read with it
	$(BIN)/python -m pytest system_tests/wheel

demo-test: $(VENV)/installed  ## run the demo in fresh copies, with each Python version found here; downloads its packages
	$(BIN)/python -m pytest system_tests/demo

# The tests wait for minutes and compute next to nothing, so a dozen of them run at the same time.
waits-test: $(VENV)/installed  ## run the waits that the connector ships with, as processes; takes twelve minutes
	$(BIN)/python -m pytest -n 12 system_tests/waits

image:  ## build the image, with podman or docker
	$(PYTHON) -m tools.containers

# If Airbyte's base image cannot be pulled, a stand-in replaces it, and a message says so.
image-test: $(VENV)/installed  ## build the image and test it in containers against the sandbox
	$(PYTHON) -m tools.containers --stand-in
	$(BIN)/python -m pytest system_tests/image

image-push:  ## push the image that `make image` built to REGISTRY
	$(PYTHON) -m tools.containers --push '$(REGISTRY)'

# Airflow, Dagster, Meltano and dlt need hundreds of packages, so they have their own environment. uv installs them faster.
.venv-examples/installed: $(VENV)/installed pyproject.toml locks/examples.txt
	$(PYTHON) -m venv .venv-examples
	$(BIN)/uv pip install --quiet --python .venv-examples/bin/python --no-deps --require-hashes --compile-bytecode \
		-r locks/examples.txt
	$(BIN)/uv pip install --quiet --python .venv-examples/bin/python --no-deps --no-build-isolation -e .
	touch $@

# The tests of PyAirbyte also use the image, if `make image-test` has built it, and some use PostgreSQL, if it is there
# (system_tests/postgresql/install.sh).
example-test: $(VENV)/installed .venv-examples/installed  ## run the examples, with PyAirbyte, dlt, Airflow, Dagster, Meltano
	$(BIN)/python -m pytest -n auto --dist worksteal system_tests/examples

# dbt is in an environment of its own: it ties many packages down.
.venv-books/installed: $(VENV)/installed pyproject.toml locks/books.txt
	$(PYTHON) -m venv .venv-books
	$(BIN)/uv pip install --quiet --python .venv-books/bin/python --no-deps --require-hashes --compile-bytecode \
		-r locks/books.txt
	$(BIN)/uv pip install --quiet --python .venv-books/bin/python --no-deps --no-build-isolation -e .
	touch $@

# The tests fill their databases with the examples for dlt and Singer, which are in the examples' environment.
books-test: .venv-books/installed .venv-examples/installed  ## run the dbt package on DuckDB and PostgreSQL, and ask it the questions of docs/books.md
	.venv-books/bin/python -m pytest system_tests/books

sql: .venv-books/installed  ## renew dbt/sql: the models of the dbt package as plain SQL, for DuckDB and PostgreSQL
	.venv-books/bin/python -m tools.plain_sql

# Spark's executors have an environment without the connector, which is in its own.
.venv-spark/installed: $(VENV)/installed pyproject.toml locks/spark.txt
	$(PYTHON) -m venv .venv-spark
	$(BIN)/uv pip install --quiet --python .venv-spark/bin/python --no-deps --require-hashes --compile-bytecode \
		-r locks/spark.txt
	touch $@

# It needs Java 17 (system_tests/spark/install.sh).
spark-test: $(VENV)/installed .venv-spark/installed  ## run the example for Spark, with many accounts
	$(BIN)/python -m pytest -n 2 --dist loadfile system_tests/spark

picture-test: $(VENV)/installed  ## test the page of the demo in Chromium
	$(BIN)/python -m pytest system_tests/browser

picture: $(VENV)/installed  ## renew docs/invoices.png, the top of that page
	$(BIN)/python -m system_tests.browser.screenshot

reliability: $(VENV)/installed  ## renew the tables of faults in docs/reliability.md
	$(BIN)/python -m integration_tests.support.reliability > /dev/null

models: $(VENV)/installed  ## read 100,000 restless lists of each kind by the connector's plans; takes half an hour
	$(BIN)/python -m unit_tests.restless_plans

hostile: $(VENV)/installed  ## run every hostile answer at every place, and count how they end
	$(BIN)/python -m integration_tests.support.hostile > /dev/null

# One environment has the other readers. The other has only the connector, as users install it, because more packages
# would make its start slower.
.venv-bench/installed: pyproject.toml locks/bench.txt locks/runtime.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r locks/bench.txt
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(PYTHON) -m venv .venv-bench/connector
	.venv-bench/connector/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		-r locks/runtime.txt
	touch $@

bench: .venv-bench/installed dist  ## measure against other readers, and renew tools/benchmarks/README.md; takes half an hour (Python 3.11)
	.venv-bench/connector/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall \
		dist/*.whl
	.venv-bench/bin/python -m tools.benchmarks

bench-accounts: $(VENV)/installed .venv-spark/installed  ## measure the jobs for many accounts, for docs/many-accounts.md
	$(BIN)/python -m tools.benchmarks.many_accounts

lint: $(VENV)/installed  ## check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# The lock of the wheel and the image, runtime.txt, is by itself: PyAirbyte, in the others, holds back cryptography and more.
lock: $(VENV)/installed  ## renew the locks from pyproject.toml; with UPGRADE= only what must change
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --extra dev --generate-hashes \
		--no-emit-index-url --no-header $(UPGRADE) pyproject.toml --output-file locks/dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --constraint locks/dev.txt --extra demo \
		--generate-hashes --no-emit-index-url --no-header pyproject.toml --output-file locks/demo.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes \
		--no-emit-index-url --no-header $(UPGRADE) pyproject.toml --output-file locks/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --group build --generate-hashes \
		--no-emit-index-url --no-header $(UPGRADE) --output-file locks/build.txt
	$(BIN)/uv pip compile --quiet --python-version 3.11 --extra bench --generate-hashes \
		--no-emit-index-url --no-header $(UPGRADE) pyproject.toml --output-file locks/bench.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --extra examples --generate-hashes \
		--no-emit-index-url --no-header $(UPGRADE) pyproject.toml --output-file locks/examples.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --extra books --generate-hashes \
		--no-emit-index-url --no-header $(UPGRADE) pyproject.toml --output-file locks/books.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --group spark --generate-hashes \
		--no-emit-index-url --no-header $(UPGRADE) --output-file locks/spark.txt

audit: $(VENV)/installed  ## look for known vulnerabilities in the packages that the connector needs
	$(BIN)/pip-audit --require-hashes --disable-pip --requirement locks/runtime.txt

release-check:  ## check that TAG names the version of pyproject.toml, and that CHANGELOG.md has it
	$(PYTHON) -m tools.release check '$(TAG)'

publish: $(VENV)/installed  ## upload the wheel and the sdist in dist to the package index, which trusts the release workflow
	$(BIN)/uv publish --trusted-publishing always dist/*.whl dist/*.tar.gz

release-page:  ## make a page on GitHub for TAG, with the files in dist
	$(PYTHON) -m tools.release notes > dist/notes.md
	gh release create '$(TAG)' dist/*.whl dist/*.tar.gz dist/*.zip --verify-tag --title '$(TAG)' --notes-file dist/notes.md

clean:  ## remove what the other commands have made, but no invoices of real accounts
	rm -rf $(VENV) $(DEMO) .venv-bench .venv-examples .venv-books .venv-spark .tmp dbt/target dbt/logs build dist \
		invoices.duckdb invoices.html invoices-csv

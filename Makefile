.DEFAULT_GOAL := help
.PHONY: help venv demo test test-all test-web test-mlflow test-dagster test-airflow test-airflow-short mutants lint equivalent bench clean FORCE

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

venv: .venv/.ready ## make .venv with everything in it (2 to 3 minutes, 3.3 GB)

# Always asked: the script returns at once if .venv is complete and up to date.
.venv/.ready: FORCE
	@install/venv.sh

demo: .venv/.ready ## train, forget a person, prove it: the whole story
	.venv/bin/unweave demo

# Bytecode is kept, whatever the environment says: some tests start Python many times.
test: .venv/.ready ## run the tests, two files at a time
	env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-all: .venv/.ready ## run the tests, the slow ones too
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m ""

test-web: .venv/.ready ## look at the desk in Chromium: each page, axe, the keyboard alone; its API by drawn calls
	.venv/bin/python -m pytest -n 2 --dist loadfile -m "" tests/tfx/test_desk_browser.py tests/tfx/test_live_browser.py tests/unweave/web/test_api_drawn.py

test-mlflow: .venv/.ready .venv-mlflow/.ready ## export to an MLflow server, in an environment of its own (850 MB)
	.venv/bin/python -m pytest -m "" tests/tfx/test_mlflow_server.py

test-dagster: .venv/.ready .venv-dagster/.ready ## run the example of the docs by Dagster, in an environment of its own
	.venv/bin/python -m pytest -m "" tests/tfx/test_dagster.py

test-airflow: .venv/.ready .venv-airflow/.ready ## run the page on Airflow on a scheduler, in an environment of its own (200 MB)
	.venv/bin/python -m pytest -m "" tests/tfx/test_airflow.py tests/tfx/test_airflow_tasks.py

test-airflow-short: .venv/.ready .venv-airflow/.ready ## of that the operators, and a deletion by tasks that is killed five times
	.venv/bin/python -m pytest -m "" -k "operators or parses or killed_five" tests/tfx/test_airflow.py tests/tfx/test_airflow_tasks.py

.venv-%/.ready: install/env-%.txt
	.venv/bin/python -m venv .venv-$*
	.venv-$*/bin/pip install -q --no-deps -r $<
	touch $@

mutants: .venv/.ready ## plant faults in a copy: a named test must find each
	.venv/bin/python tests/mutants.py

lint: .venv/.ready ## ruff and mypy
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

equivalent: .venv/.ready ## show that code of OLD=<commit> gives the same bits as today's
	.venv/bin/python -m tests.fingerprint.admit $(OLD)

bench: .venv/.ready ## run the benchmarks
	.venv/bin/python -m benchmarks

clean: ## remove .venv, workspace and caches
	rm -rf .venv .venv-* workspace workspace.source build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name .git -prune -o -type d -name __pycache__ -exec rm -rf {} +

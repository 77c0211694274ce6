ADDRESS ?= 127.0.0.1:8000

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test test-fast check dist hosts fuzz image bench

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' Makefile

setup:  ## make .venv/ with the locked packages
	@tools/setup

demo: setup  ## back up, destroy and restore real files [DATABASE=postgresql] [DOCUMENTS=folder] [KEEP=folder]
	@.venv/bin/python -m demo

serve: setup  ## serve the EDMS and its console, with the agent [ADDRESS=127.0.0.1:8000] [SAMPLES=1]
	@tools/serve $(if $(SAMPLES),--samples) $(ADDRESS)

test: setup  ## run the static checks and every test, or some [ARGS="tests/engine -k prune"]
	@tools/test $(ARGS)

test-fast: setup  ## run the unit tests and one browser story, or some [ARGS="tests/engine"]
	@tools/test-fast $(ARGS)

check: setup  ## run the static checks alone: style, types, layers, prose, texts
	@tools/check

dist: setup  ## build the wheel and the source archive into dist/
	@tools/dist

hosts: setup  ## install the wheel into many Django projects, lose and restore them [ONLY="words"]
	@PYTHONPATH=backend .venv/bin/python -m tests.hosts $(ONLY)

fuzz: setup  ## send requests of every kind to the whole API
	@FUZZ_THOROUGHLY=1 .venv/bin/pytest tests/backup/api/test_fuzzing.py --timeout 7200

# As root: what it builds lies in var/image, and stays there for the next time.
image: setup  ## build the image and run its services, as root
	@EDMS_IMAGE=$$(tools/build-image var/image | paste -sd:) && export EDMS_IMAGE && .venv/bin/pytest -v tests/image

bench: setup  ## measure speed and memory against restic
	@.venv/bin/python benchmarks/run.py
	@.venv/bin/python benchmarks/scale.py
	@.venv/bin/python benchmarks/packages.py
	@.venv/bin/python benchmarks/api.py
	@.venv/bin/python benchmarks/api.py --database postgresql

# make demo [DATABASE=postgresql] [DOCUMENTS=folder] [KEEP=folder]; make serve [ADDRESS=127.0.0.1:8000]; make hosts [ONLY=words]
ADDRESS ?= 127.0.0.1:8000

.PHONY: setup demo serve test check hosts fuzz image bench

setup:
	@tools/setup

demo: setup
	@.venv/bin/python -m demo

serve: setup
	@tools/serve $(ADDRESS)

test: setup
	@tools/test

check: setup
	@tools/check

hosts: setup
	@PYTHONPATH=backend .venv/bin/python -m tests.hosts $(ONLY)

fuzz: setup
	@FUZZ_THOROUGHLY=1 .venv/bin/pytest tests/backup/api/test_fuzzing.py --timeout 7200

# As root: what it builds lies in var/image, and stays there for the next time.
image: setup
	@EDMS_IMAGE=$$(tools/build-image var/image | paste -sd:) && export EDMS_IMAGE && .venv/bin/pytest -v tests/image

bench: setup
	@.venv/bin/python benchmarks/run.py
	@.venv/bin/python benchmarks/scale.py
	@.venv/bin/python benchmarks/packages.py
	@.venv/bin/python benchmarks/api.py
	@.venv/bin/python benchmarks/api.py --database postgresql

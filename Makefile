# Two commands are the whole set-up: `make run` and `make test`. Both make .venv when it is missing.
PYTHON ?=
BIN := .venv/bin
# Dozens of processes import TensorFlow and TFX: without compiled modules each compiles them anew.
unexport PYTHONDONTWRITEBYTECODE
SOURCES := pipeline components trainer_module tests data requirements setup.py carryover_command.py
STACKS := tfx-1.16 tfx-1.21

.PHONY: help venv gpu run retrain few-labels check test fuzz soak flink-test s3-test image-test quality style lock audit sbom clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

venv: ## make .venv from the lock of the stack that fits this machine
	@python3 requirements/bootstrap.py --python "$(PYTHON)"

gpu: ## add TensorFlow's CUDA libraries to .venv (NVIDIA GPU, about 3 GB)
	@python3 requirements/bootstrap.py --python "$(PYTHON)" --gpu

run: venv ## train, check and push a model from the bundled pictures
	@$(BIN)/carryover run --config configs/emoji.yaml

check: quality ## check style and types, and run the unit tests
	@$(BIN)/python -m pytest --unit --quiet --numprocesses logical --maxprocesses 4 --dist loadfile

test: venv ## run the tests, on every core up to four
	@$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile \
		--no-loadscope-reorder

retrain: venv ## deliver the bundled line art to the model of `make run`
	@$(BIN)/carryover retrain --workspace workspace/emoji --inbox data/incoming

FEW := workspace/few-labels
few-labels: venv ## the same with 20 labels per class and the rest without, in a workspace of its own
	@$(BIN)/python data/hide_labels.py data/incoming/2026-line-art $(FEW)-inbox/2026-line-art
	@$(BIN)/carryover run --config configs/emoji.yaml --workspace $(FEW)
	@$(BIN)/carryover retrain --workspace $(FEW) --inbox $(FEW)-inbox

# One seed gives the same cases again: pytest tests/fuzz --hypothesis-seed=SEED
MINUTES ?= 10
fuzz: venv ## read random and mutated input with new seeds, for 10 minutes (MINUTES=60)
	@seed=$$(date +%s); end=$$((seed + 60 * $(MINUTES))); \
	while [ $$(date +%s) -lt $$end ]; do \
		$(BIN)/python -m pytest tests/fuzz --hypothesis-seed=$$seed --quiet \
			--numprocesses logical --maxprocesses 4 --dist loadfile || exit 1; \
		seed=$$((seed + 1)); \
	done

soak: venv ## deliver batches for an hour to a watcher that is killed; hub families; a whole night
	@$(BIN)/python -m pytest -m soak

flink-test: venv ## fetch Flink and do whole runs on a cluster of it (needs Java and Maven)
	@$(BIN)/python -m pytest -m flink

s3-test: venv ## build an S3 server and use workspaces on it (needs Go)
	@$(BIN)/python -m pytest -m s3

image-test: venv ## follow the Dockerfile in a Debian root (needs to be root, and debootstrap)
	@$(BIN)/python -m pytest -m image

quality: venv ## check style, types and the direction of imports
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports

style: venv ## rewrite the code in the house style
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

# Locks hold versions and hashes: no URLs, and no host of an index.
COMPILE = $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header
tfx-1.16_FOR = --python-version 3.10 --python-platform x86_64-manylinux_2_28
tfx-1.21_FOR = --universal --python-version 3.11

lock: venv $(STACKS:%=lock-%) ## compile the locks again, with the newest versions setup.py admits
	@$(COMPILE) requirements/flink.in --no-deps -o requirements/flink.txt
	@$(COMPILE) requirements/bootstrap.in --universal --python-version 3.10 -o requirements/bootstrap.txt
	@$(COMPILE) requirements/audit.in --universal --python-version 3.10 -o requirements/audit.txt

# The lock of production comes first: the other two agree with it. The GPU lock holds only what it
# adds to that.
lock-%: venv
	@$(COMPILE) setup.py --extra onnx --extra hub --extra object-store $($*_FOR) -o requirements/$*.txt
	@$(COMPILE) setup.py --extra onnx --extra hub --extra object-store --extra dev $($*_FOR) \
		-c requirements/$*.txt -o requirements/$*-dev.txt
	@$(COMPILE) setup.py --extra onnx --extra hub --extra object-store --extra gpu $($*_FOR) \
		-c requirements/$*.txt $$(sed -n 's/^\([^ #]*\)==.*/--no-emit-package \1/p' requirements/$*.txt) \
		-o requirements/$*-gpu.txt
	@sed -i -e '/^#/d' -e '/^$$/d' requirements/$*-gpu.txt

# Tools of a release have an environment of their own, so that no lock above holds them.
.venv-audit/complete: requirements/audit.txt
	@$(or $(PYTHON),$(wildcard $(BIN)/python),python3) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

audit: .venv-audit/complete ## look up known vulnerabilities of the production locks (needs a network)
	@$(<D)/bin/python requirements/audit.py

sbom: .venv-audit/complete ## write CycloneDX lists of the packages in the production locks into dist
	@$(<D)/bin/python requirements/sbom.py

clean: ## remove the environment and the caches, never a workspace
	rm -rf .venv .venv-audit .venv-python .venv-uv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build *.egg-info

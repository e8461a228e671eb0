# Two commands are the whole set-up: `make run` and `make test`. Both make .venv when it is missing.
PYTHON ?=
BIN := .venv/bin
# Dozens of processes import TensorFlow and TFX: without compiled modules each compiles them anew.
unexport PYTHONDONTWRITEBYTECODE
SOURCES := pipeline components trainer_module tests data requirements setup.py

.PHONY: help venv gpu run retrain check test soak flink-test image-test quality style lock clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

venv: ## make .venv from the lock of the stack that fits this machine
	@python3 requirements/bootstrap.py --python "$(PYTHON)"

gpu: venv ## add TensorFlow's CUDA libraries to .venv (NVIDIA GPU, about 3 GB)
	@$(BIN)/uv pip install --python $(BIN)/python "tensorflow[and-cuda]==$$($(BIN)/python -c \
		'from importlib.metadata import version; print(version("tensorflow"))')"

run: venv ## train, check and push a model from the bundled pictures
	@$(BIN)/carryover run --config configs/emoji.yaml

check: quality ## check style and types, and run the unit tests
	@$(BIN)/python -m pytest --unit --quiet --numprocesses logical --maxprocesses 4 --dist loadfile

test: venv ## run the tests, on every core up to four
	@$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile \
		--no-loadscope-reorder

retrain: venv ## deliver the bundled line art to the model of `make run`
	@$(BIN)/carryover retrain --workspace workspace/emoji --inbox data/incoming

soak: venv ## deliver batches for an hour while the watcher is killed again and again
	@$(BIN)/python -m pytest -m soak

flink-test: venv ## fetch Flink and do whole runs on a cluster of it (needs Java and Maven)
	@$(BIN)/python -m pytest -m flink

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

COMPILE = $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header
lock: venv ## compile the locks again, with the newest versions setup.py admits
	@$(COMPILE) requirements/flink.in --no-deps -o requirements/flink.txt
	@$(COMPILE) requirements/bootstrap.in --universal --python-version 3.10 -o requirements/bootstrap.txt
	@$(COMPILE) setup.py --extra dev --extra onnx --python-version 3.10 \
		--python-platform x86_64-manylinux_2_28 -o requirements/tfx-1.16.txt
	@$(COMPILE) setup.py --extra dev --extra onnx --universal --python-version 3.11 \
		-o requirements/tfx-1.21.txt

clean: ## remove the environment and the caches, never a workspace
	rm -rf .venv .venv-python .venv-uv .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build *.egg-info

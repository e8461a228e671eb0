import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from repository import ROOT

from pipeline.running import fingerprint
from pipeline.running.fingerprint import PACKAGES, code_fingerprint
from pipeline.running.identity import fingerprint_code

SOURCES = {
    "pipeline/start.py": b"from pipeline.direct import x\n\ndef f():\n    import components",
    "pipeline/direct.py": b"import numpy\nimport trainer_module.deep.indirect\n",
    "pipeline/unrelated.py": b"from pipeline import start\n",
    "pipeline/__init__.py": b"",
    "components/__init__.py": b"",
    "trainer_module/deep/__init__.py": b"",
    "trainer_module/deep/indirect.py": b"from pipeline import start  # a circle\n",
}


def edit(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"# another line\n")


@pytest.fixture(name="root")
def _root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in place of the repository."""
    monkeypatch.setattr(fingerprint, "ROOT", tmp_path)
    fingerprint._imports.cache_clear()
    yield tmp_path
    fingerprint._imports.cache_clear()


@pytest.fixture(name="small")
def _small(root: Path) -> Path:
    for name, source in SOURCES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(source)
    return root


def test_unchanged_code_has_an_unchanged_fingerprint(small):
    assert code_fingerprint("pipeline.start") == code_fingerprint("pipeline.start")


@pytest.mark.parametrize(
    ("changed", "matters"),
    [
        ("pipeline/start.py", True),
        ("pipeline/direct.py", True),
        ("trainer_module/deep/indirect.py", True),
        ("components/__init__.py", True),
        ("pipeline/unrelated.py", False),
    ],
)
def test_the_fingerprint_follows_imports_direct_and_indirect_and_no_others(small, changed, matters):
    before = code_fingerprint("pipeline.start")
    edit(small / changed)
    fingerprint._imports.cache_clear()
    assert (code_fingerprint("pipeline.start") != before) is matters


def test_another_version_of_a_library_changes_the_fingerprint(small, monkeypatch):
    before = code_fingerprint("pipeline.start")
    monkeypatch.setattr(fingerprint.metadata, "version", lambda library: "0.0")
    assert code_fingerprint("pipeline.start") != before


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ("components/image_example_gen/measures.py", {"ingestion"}),
        ("components/image_example_gen/splits.py", {"ingestion"}),
        ("trainer_module/data/preprocessing.py", {"preprocessing", "training"}),
        ("trainer_module/backbones/blocks.py", {"training"}),
        ("trainer_module/stages/stages.py", {"training"}),
        ("trainer_module/export/saved_model.py", {"training"}),
        ("components/evaluation/classifier_metrics.py", {"evaluation"}),
        ("components/serving_check/probe.py", {"serving_check"}),
        ("pipeline/cli.py", set()),
        ("pipeline/summary/terminal.py", set()),
    ],
)
def test_a_change_of_our_code_reaches_the_components_that_run_it(root, changed, parts):
    repository = ROOT
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(repository / package, root / package, ignore=ignored)
    before = asdict(fingerprint_code())
    edit(root / changed)
    fingerprint._imports.cache_clear()
    after = asdict(fingerprint_code())
    assert {part for part in before if before[part] != after[part]} == parts

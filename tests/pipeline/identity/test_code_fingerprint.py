from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from pipeline.identity import code_fingerprint as module
from pipeline.identity import source_tree
from pipeline.identity.code_fingerprint import DISTRIBUTIONS, code_fingerprint, used_libraries
from pipeline.identity.component_fingerprints import IMPLEMENTATIONS
from pipeline.identity.source_tree import with_imported_modules

SOURCES = {
    "pipeline/start.py": b"from pipeline.direct import x\n\ndef f():\n    import components",
    "pipeline/direct.py": b"import numpy\nimport trainer_module.deep.indirect\n",
    "pipeline/unrelated.py": b"from pipeline import start\nimport scipy\n",
    "pipeline/__init__.py": b"",
    "components/__init__.py": b"import pydantic\nimport not_installed\n",
    "trainer_module/deep/__init__.py": b"",
    "trainer_module/deep/indirect.py": b"from pipeline import start  # a circle\nimport PIL\n",
}


def forget() -> None:
    """Read sources and versions again."""
    source_tree._imports.cache_clear()
    module._version.cache_clear()


@pytest.fixture(name="small")
def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small source tree in place of the repository."""
    for name, source in SOURCES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(source)
    monkeypatch.setattr(source_tree, "ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def test_unchanged_code_has_an_unchanged_fingerprint(small):
    before = code_fingerprint(["pipeline.start"])
    forget()
    assert code_fingerprint(["pipeline.start"]) == before


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
    before = code_fingerprint(["pipeline.start"])
    path = small / changed
    path.write_bytes(path.read_bytes() + b"# another line\n")
    forget()
    assert (code_fingerprint(["pipeline.start"]) != before) is matters


@pytest.mark.parametrize(
    ("library", "matters"),
    [
        ("numpy", True),  # imported
        ("pillow", True),  # imported indirectly, under another name
        ("h5py", True),  # named
        ("scipy", False),  # imported by a module that has no part in it
        ("pydantic", False),  # neutral
    ],
)
def test_another_version_of_a_library_changes_the_fingerprint_where_it_is_used(
    small, monkeypatch, library, matters
):
    before = code_fingerprint(["pipeline.start"], ["h5py"])
    version = metadata.version
    monkeypatch.setattr(
        metadata, "version", lambda name: "0.0" if name == library else version(name)
    )
    forget()
    assert (code_fingerprint(["pipeline.start"], ["h5py"]) != before) is matters


def test_a_library_that_gets_installed_changes_the_fingerprint(small, monkeypatch):
    before = code_fingerprint(["pipeline.start"])
    version = metadata.version
    monkeypatch.setattr(
        metadata, "version", lambda name: "1.0" if name == "not-installed" else version(name)
    )
    forget()
    assert code_fingerprint(["pipeline.start"]) != before


@pytest.mark.parametrize("part", IMPLEMENTATIONS)
def test_every_imported_package_is_looked_up_under_the_name_of_its_distribution(part):
    implementation = IMPLEMENTATIONS[part]
    for library in used_libraries(with_imported_modules(implementation.modules)):
        assert metadata.version(library)
    for library in implementation.libraries:
        assert metadata.version(library)


def test_packages_whose_distribution_has_another_name_are_known():
    distributions = metadata.packages_distributions()
    for package, distribution in DISTRIBUTIONS.items():
        assert distribution in distributions[package]

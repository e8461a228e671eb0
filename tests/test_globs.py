"""No folder of a user or of an artifact is part of a file pattern."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import ROOT

PACKAGES = ("pipeline", "components", "trainer_module")

#: Functions that read a whole path as a pattern, the folder included.
GLOBS = {"glob", "iglob", "list_files", "match_files", "MatchFiles", "ReadFromTFRecord"}

#: Receivers of such functions; any other receiver of `glob` is a `Path`, which takes its folder
#: literally.
MODULES = {"fileio", "gfile", "glob", "FileSystems", "Dataset", "file_io", "io", "beam", "tf"}

#: The patterns of a command line: the folders at their start that exist are taken literally.
USERS_OWN = "pipeline/predicting/picture_paths.py"


def globs_of_paths(source: str) -> Iterator[int]:
    """Yield the lines that call a glob with a folder in the pattern."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        receiver = node.func.value
        name = getattr(receiver, "attr", getattr(receiver, "id", ""))
        names = {*GLOBS, "match"} if name == "FileSystems" else GLOBS
        if (node.func.attr in names and name in MODULES) or (
            node.func.attr in ("glob", "rglob") and not is_fixed(node.args[0])
        ):
            yield node.lineno


def is_fixed(pattern: ast.expr) -> bool:
    """Return whether a pattern is a constant, holds only an id, or is a parameter by that name."""
    if isinstance(pattern, ast.JoinedStr):
        values = [part.value for part in pattern.values if isinstance(part, ast.FormattedValue)]
        return all(isinstance(one, ast.Name) and one.id == "execution_id" for one in values)
    is_parameter = isinstance(pattern, ast.Name) and pattern.id == "pattern"
    return is_parameter or isinstance(pattern, ast.Constant)


@pytest.mark.parametrize(
    "call",
    [
        'fileio.glob(f"{uri}/*")',
        'tf.io.gfile.glob(folder + "/*.json")',
        "glob.glob(str(path))",
        'tf.data.Dataset.list_files(f"{uri}/*")',
        'FileSystems.match([f"{uri}/*"])',
        'beam.io.ReadFromTFRecord(f"{uri}/*")',
        'Path(root).glob(f"{name}/*")',
        "folder.rglob(name)",
    ],
)
def test_a_glob_with_a_folder_in_its_pattern_is_found(call):
    assert list(globs_of_paths(call)) == [1]


@pytest.mark.parametrize(
    "call", ['Path(root).glob("*/x.json")', 'list_files(uri, "*.json")', "FileSystems.open(path)"]
)
def test_a_folder_outside_the_pattern_is_allowed(call):
    assert list(globs_of_paths(call)) == []


def test_our_code_globs_no_folder():
    files = [path for package in PACKAGES for path in Path(ROOT, package).rglob("*.py")]
    assert len(files) > 100
    found = {
        str(path.relative_to(ROOT)): lines
        for path in files
        if (lines := list(globs_of_paths(path.read_text())))
    }
    assert set(found) == {USERS_OWN}, "list the folder with folder_files.list_files"

"""Files of a folder whose name looks like a pattern."""

import pytest
from strange_names import LITERAL, PATTERNS

from trainer_module.contract.folder_files import list_files

pytestmark = pytest.mark.component


@pytest.mark.parametrize("name", [*PATTERNS, *LITERAL])
def test_the_files_of_this_folder_alone_are_listed(tmp_path, name):
    for folder in (name, "runs 2", "a-b", "what!", "x"):  # folders that the patterns match
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "b-1.json").touch()
    (tmp_path / name / "a.txt").touch()
    (tmp_path / name / "a-[2].json").touch()
    (tmp_path / name / "folder.json").mkdir()
    folder = str(tmp_path / name)
    assert list_files(folder, "*-*.json") == [f"{folder}/a-[2].json", f"{folder}/b-1.json"]
    assert [path.rpartition("/")[2] for path in list_files(folder) if path.endswith(".txt")] == [
        "a.txt"
    ]


def test_a_missing_folder_has_no_files(tmp_path):
    assert list_files(str(tmp_path / "none [1]")) == []

import pytest

from pipeline.inputs.layouts.folder_name_check import check_folder_name
from trainer_module.contract.errors import InputError


@pytest.mark.parametrize("name", ["cat", "  cat ", "Ärger", "two words", "犬"])
def test_a_name_is_returned_without_outer_spaces(name):
    assert check_folder_name("class", name, ["dog", "cat"]) == name.strip()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (" ", "the name is empty"),
        ("../cat", "holds a slash"),
        ("a\\b", "holds a slash"),
        ("..", "is skipped"),
        (".cat", "is skipped"),
        ("@eaDir", "is skipped"),
        ("_unlabelled", "begin with _"),
        ("NaN", "missing value"),
        ("a\nb", "not printable"),
        ("a\u202eb", "not printable"),
        ("ä" * 128, "longer than 255 bytes"),
        ("Cat", "looks like 'cat'"),
        ("c\uff41t", "looks like 'cat'"),
    ],
)
def test_a_name_that_a_folder_cannot_have_is_refused(name, message):
    with pytest.raises(InputError, match=message):
        check_folder_name("class", name, ["cat"])

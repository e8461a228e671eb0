"""Names of files in messages."""

import pytest
from hostile_names import HOSTILE, SHOWN
from strange_names import NOT_UTF8

from trainer_module.contract.printable_names import printable_lines, printable_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("two\nlines", "two\\nlines"),
        (NOT_UTF8, "latin\\udce9"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b31m\x7f\x00", "\\x9b31m\\x7f\\x00"),
        ("a\u202eb\u2066c\u061c", "a\\u202eb\\u2066c\\u061c"),
        ("c\u200ba\u200dt\ufeff\u00ad", "c\\u200ba\\u200dt\\ufeff\\xad"),
        ("\U000e0041", "\\U000e0041"),
        (HOSTILE, SHOWN),
    ],
)
def test_what_is_not_printable_is_escaped(name, expected):
    assert printable_name(name) == expected
    assert printable_name(expected) == expected


@pytest.mark.parametrize(
    "name",
    [
        "é [1]",
        "日本の写真",
        "می\u200cخواهم",  # noqa: RUF001
        "👩\u200d🔬",
        "❤\ufe0f\u200d🔥",
        "क्\u200dष",
        "e\u0301",
        "C:\\a",
    ],
)
def test_letters_of_all_scripts_are_kept(name):
    assert printable_name(name) == name


@pytest.mark.parametrize("name", ["👩\u200d\u200d", "\u200d", "日\u200b"])
def test_joiners_that_join_nothing_are_escaped(name):
    assert "\\u200" in printable_name(name)


def test_line_ends_between_lines_are_kept():
    assert printable_lines("a\x1b\nb\r\n") == "a\\x1b\nb\\r\n"

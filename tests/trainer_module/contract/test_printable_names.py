"""Names of files in messages."""

import pytest
from strange_names import NOT_UTF8

from trainer_module.contract.printable_names import printable_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [("two\nlines", "two\\nlines"), (NOT_UTF8, "latin\\udce9"), ("\x1b[31m", "\\x1b[31m"),
     ("é [1]", "é [1]")],
)  # fmt: skip
def test_only_what_is_not_printable_is_escaped(name, expected):
    assert printable_name(name) == expected

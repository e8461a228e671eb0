"""docs/data.md lists every finding and every file format; each of its rows has a test."""

import re

from data_page_rows import TESTED_ROWS
from documentation import page
from repository import ROOT

from components.data_gate.findings import KINDS, SEVERITIES
from components.image_example_gen.picture_reader import FORMATS

DATA = page("docs/data.md")


def test_every_kind_of_finding_is_listed_with_its_severity():
    severity = "|".join((*SEVERITIES, "error or warning", "warning or information"))
    kinds = re.findall(rf"^\| `(\w+)` \| (?:{severity}) \|", DATA.text, re.MULTILINE)
    assert sorted(kinds) == sorted(KINDS)


def test_every_file_format_is_listed():
    [line] = [line for line in DATA.text.splitlines() if line.startswith("JPEG (")]
    assert all(name.lower() in line.lower() for name in FORMATS)


def test_every_row_about_data_has_a_test():
    table = DATA.text.partition("\n## What happens to every")[2]
    starts = [start for tests in TESTED_ROWS.values() for start in tests]
    rows = re.findall(r"^\| (?!input \|)(.*)", table, re.MULTILINE)
    assert len(rows) > 90
    assert [row for row in rows if len([s for s in starts if row.startswith(s)]) != 1] == []
    assert [start for start in starts if not any(row.startswith(start) for row in rows)] == []
    for module, tests in TESTED_ROWS.items():
        source = (ROOT / "tests" / module).read_text()
        assert [name for name in tests.values() if f"def test_{name}(" not in source] == [], module

"""docs/data.md lists every finding and every file format."""

import re

from documentation import page

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

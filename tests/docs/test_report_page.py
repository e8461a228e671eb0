"""docs/report.md lists the sections of a report."""

import re

from documentation import page
from repository import ROOT


def test_every_section_of_a_report_is_explained_in_its_order():
    template = ROOT / "pipeline" / "report" / "templates" / "report.html.j2"
    titles = re.findall(r'^  \("\w+", "([^"]+)"', template.read_text(encoding="utf-8"), re.M)
    assert titles
    assert re.findall(r"^\| ([A-Z][\w ]+?) \|", page("docs/report.md").text, re.M) == titles

"""docs/serving.md explains the page of `carryover serve` and its limits."""

import re

from documentation import page
from repository import ROOT

from pipeline.overview.unusual_pictures import MAX_PICTURES
from pipeline.overview.workspace_overview import MAX_BATCHES, MAX_DOMAINS
from trainer_module.export.novelty import HIGH_NOVELTY

TEXT = page("docs/serving.md").text
HTML = (ROOT / "pipeline/overview/page/page.html").read_text(encoding="utf-8")


def test_every_part_of_the_page_is_explained():
    headings = re.findall(r"<h2[^>]*>([^<]+)</h2>", HTML)
    assert len(headings) == 6
    rows = re.findall(r"^\| ([A-Z][\w ]+?) \|", TEXT, re.MULTILINE)
    assert set(headings) <= set(rows)


def test_the_limits_of_the_page_are_those_of_the_code():
    assert (MAX_BATCHES, MAX_PICTURES) == (10, 12)
    assert "the newest ten of `carryover history`" in TEXT
    assert "the twelve most unusual ones" in TEXT
    assert f"novelty of at least {HIGH_NOVELTY}" in TEXT
    assert f"{MAX_DOMAINS} domains at most" in TEXT

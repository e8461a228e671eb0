"""What the page of a run says, as text."""

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console
from tiny_report import SCRIPT, tiny_data, tiny_model, tiny_record, write_tiny_report
from tiny_summary import summary

from pipeline.config.config_file import load_config
from pipeline.inputs.snapshot import Snapshot
from pipeline.report.rendering import write_page
from pipeline.report.run_record import read_record
from pipeline.report.run_report import page_values, report_on, write_report
from pipeline.report.sections.exports import read_exports
from pipeline.report.sections.verdict import read_domains, read_verdict
from pipeline.running.run import Run
from pipeline.summary.terminal import Reporter
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError

SECTIONS = (
    *("verdict", "stages", "confusion", "mistakes", "calibration"),
    *("distances", "data", "lineage", "run", "card"),
)


class Elements(HTMLParser):
    """Names of the elements of a page, and the addresses that they load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


@pytest.fixture(name="page", scope="module")
def _page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_tiny_report(tmp_path_factory.mktemp("run")).read_text()


def test_a_script_in_the_name_of_a_class_is_text(page):
    assert Elements(page).names.count("script") == 1  # our own
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_browser_is_told_to_run_our_script_alone(page):
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/=]{44}'", page)
    assert "default-src 'none'" in page


def test_the_page_loads_nothing_from_elsewhere(page):
    addresses = Elements(page).addresses
    assert {address[:1] for address in addresses} == {"#", "d"}
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "url(http" not in page


def test_the_same_run_gives_the_same_page(page, tmp_path):
    assert write_tiny_report(tmp_path).read_text() == page


def test_plots_take_their_colours_from_the_page_and_show_names_as_they_are(page):
    assert "var(--series-1)" in page
    assert "#0102" not in page
    assert 'aria-label="accuracy against confidence in night $x_1$"' in page


def test_no_two_elements_share_an_id(page):
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_every_section_is_there_for_a_run_that_failed_before_its_first_component(tmp_path):
    text = failed_page(tmp_path)
    assert re.findall(r'<section id="(\w+)"', text) == list(SECTIONS)
    assert "Failed: nothing was pushed" in text
    assert "the disk is full" in text
    assert "This run left no model." in text


def failed_page(root: Path) -> str:
    """The page of a run that ended at once."""
    nothing = {"domains": {}, "worst_domain": None, "mean_domain_accuracy": None, "images": None}
    nothing |= {"stages": None, "calibration": None, "findings": [], "seconds": {}, "cached": []}
    found = summary(status="failed", reasons=["the disk is full"], pushed_version=None, **nothing)
    record = tiny_record(root / "runs" / found.run_id, found)
    workspace = Workspace(root)
    return write_report(read_record(workspace, record.folder.name)).read_text()


def test_a_run_without_fine_tuning_and_without_a_baseline_says_so(tmp_path):
    stages = summary().stages
    assert stages
    frozen = stages.model_copy(update={"fine_tuned": None, "chosen": "frozen"})
    text = write_tiny_report(tmp_path, stages=frozen, baseline_version=None).read_text()
    assert "There was no fine-tuning stage" in text
    assert "nothing: no version served" in text


def test_a_domain_whose_gate_broke_has_the_reason_in_its_row():
    found = summary(reasons=["domain 'night': accuracy 0.650 is below the floor 0.700"])
    day, night = read_domains(found)
    assert day.failures == []
    assert night.failures == ["accuracy 0.650 is below the floor 0.700"]
    assert night.change == pytest.approx(-0.05)


def test_the_verdict_says_which_version_serves():
    assert read_verdict(summary()).title == "Pushed version 2"
    rejected = read_verdict(summary(status="not_blessed", pushed_version=None))
    assert rejected.title == "Not pushed; version 1 still serves"
    again = read_verdict(summary(new_version=False))
    assert again.title == "Nothing new to push: this model serves as version 2"


def test_a_name_that_is_no_utf_8_does_not_keep_a_page_from_being_written(tmp_path):
    nothing = {"candidates": [], "domains": [], "plots": [], "batches": []}
    path = write_page(tmp_path / "a.html", "history.html.j2", name="caf\udce9", **nothing)
    assert "<h1>caf? " in path.read_text()


def test_without_a_finished_run_it_is_said_what_to_do(tmp_path):
    with pytest.raises(InputError, match="Run: carryover run"):
        read_record(Workspace(tmp_path), None)
    tiny_record(tmp_path / "runs" / "20240101-000000", summary())
    with pytest.raises(InputError, match="Runs: 20240101-000000"):
        read_record(Workspace(tmp_path), "20250101-000000")
    assert read_record(Workspace(tmp_path), None).config["name"] == "pets"


def test_a_report_that_cannot_be_made_is_said_and_fails_nothing(tmp_path, capfd):
    workspace = Workspace(tmp_path)
    folder = tiny_record(workspace.runs / "1", summary()).folder
    (folder / "config.yaml").write_text("gate: [")
    shown = io.StringIO()
    config = load_config(None, [], {"data": "/pictures", "workspace": tmp_path})
    reporter = Reporter(Console(file=shown, width=200))
    listing = Snapshot(tmp_path, "digest", ("day",), 1, (), {}, "/pictures")
    report_on(Run("1", config, workspace, listing, reporter, folder))
    last = shown.getvalue().splitlines()[-1]
    assert last.startswith("    the report could not be made")
    assert str(workspace.log("1")) in last
    assert "yaml" in capfd.readouterr().err


def test_the_card_shows_how_well_the_exports_of_the_version_agree(tmp_path):
    shares = {"accuracy": 0.75, "agreement": 0.97, "saved_model_accuracy": 0.8, "test_images": 4}
    facts = {
        "format": "tflite-int8",
        "bytes": 3 * 2**20,
        "all": shares,
        "domains": {SCRIPT: shares},
    }
    workspace = Workspace(tmp_path)
    folder = workspace.exports("m", 1)
    folder.mkdir(parents=True)
    (folder / "m-1-tflite-int8.json").write_text(json.dumps(facts))
    assert read_exports(workspace, "m", None) == []
    exports = read_exports(workspace, "m", 1)
    record = replace(tiny_record(tmp_path / "run", summary()), exports=exports)
    values = page_values(record, tiny_data(), tiny_model())
    page = write_page(tmp_path / "page.html", "report.html.j2", **values).read_text()
    card = page[page.index("<h3>Exports</h3>") :]
    assert "tflite-int8" in card
    assert "0.750 (0.970)" in card
    assert SCRIPT not in page

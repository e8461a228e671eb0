"""The report of a run, as text."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape
from tiny_report import SCRIPT, tiny_data, tiny_model, tiny_record, write_tiny_report
from tiny_summary import summary

from pipeline.report.export_metrics import read_export_metrics
from pipeline.report.rendering import write_page
from pipeline.report.run_record import read_record
from pipeline.report.run_report import page_values, write_report
from pipeline.report.split_predictions import SplitPredictions
from pipeline.summary.acceptance_result import AcceptanceResult, AcceptedDomain
from pipeline.workspace import BATCH, Workspace

pytestmark = pytest.mark.component

SECTIONS = (
    *("verdict", "gate", "stages", "confusion", "mistakes", "calibration"),
    *("acceptance", "distances", "data", "lineage", "run", "card"),
)


class Elements(HTMLParser):
    """Parser that collects the elements of a page, and the addresses that they load."""

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


def test_a_script_in_the_name_of_a_class_is_escaped(page):
    assert Elements(page).names.count("script") == 1  # our own
    assert SCRIPT not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_blank_pictures_are_shown_with_the_blank_part_and_counted(page):
    _, section = page.split("<h3>Blank pictures</h3>")
    section = section.split("<h3>")[0]
    assert "2 pictures have one colour" in section
    assert "These are the first 1. All are listed in blank.csv." in section
    assert "<p>bottom 50%</p>" in section
    assert "day, cup, train" in section


def test_labels_to_check_are_shown_with_the_class_that_fits_and_counted(page):
    _, section = page.split("<h3>Labels to check</h3>")
    section = section.split("<h3>")[0]
    assert "contradict the label of 3 training pictures, the most suspicious first" in section
    assert "These are the first 1." in section
    assert "<p>cat, or dog?</p>" in section


def test_the_content_security_policy_allows_only_our_script(page):
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/=]{44}'", page)
    assert "default-src 'none'" in page


def test_the_page_loads_nothing_from_elsewhere(page):
    addresses = Elements(page).addresses
    assert {address[:1] for address in addresses} == {"#", "d"}
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "url(http" not in page


def test_the_same_run_gives_the_same_page(page, tmp_path):
    assert write_tiny_report(tmp_path).read_text() == page


def test_plots_inherit_the_colours_of_the_page_and_show_names_unchanged(page):
    assert "var(--series-1)" in page
    assert "#0102" not in page
    assert 'aria-label="accuracy against confidence in night $x_1$"' in page


def test_no_two_elements_share_an_id(page):
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_the_report_of_a_run_that_failed_at_once_has_every_section(tmp_path):
    text = failed_page(tmp_path)
    assert re.findall(r'<section id="(\w+)"', text) == list(SECTIONS)
    assert "Failed: nothing was pushed" in text
    assert "the disk is full" in text
    assert "This run has no model." in text


def failed_page(root: Path) -> str:
    """The report of a run that failed before its first component."""
    empty = {"domains": {}, "worst_domain": None, "mean_domain_accuracy": None, "images": None}
    empty |= {"stages": None, "calibration": None, "findings": [], "seconds": {}, "cached": []}
    failed = summary(status="failed", reasons=["the disk is full"], pushed_version=None, **empty)
    record = tiny_record(root / "runs" / failed.run_id, failed)
    workspace = Workspace(root)
    return write_report(read_record(workspace, record.folder.name)).read_text()


def test_the_report_says_if_there_was_no_fine_tuning_or_no_baseline(tmp_path):
    stages = summary().stages
    assert stages
    frozen = stages.model_copy(update={"fine_tuned": None, "chosen": "frozen"})
    text = write_tiny_report(tmp_path, stages=frozen, baseline_version=None).read_text()
    assert "There was no fine-tuning stage" in text
    assert "none: there was no serving version" in text


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [(0.8, "if its confidence is at least 0.800 and"), (2.0, "No prediction is accepted")],
)
def test_the_report_shows_the_accepted_predictions_of_every_domain(tmp_path, limit, sentence):
    domain = AcceptedDomain(pictures=40, accepted=30, correct=27, accuracy_low=0.79, is_shown=False)
    acceptance = AcceptanceResult(
        accuracy=0.95, min_confidence=limit, max_novelty=0.95, domains={"day": domain}
    )
    text = write_tiny_report(tmp_path, acceptance=acceptance).read_text()
    [section] = re.findall(r'<section id="acceptance".*?</section>', text, re.DOTALL)
    assert sentence in section
    assert re.findall(r"<td[^>]*>(.*?)</td>", section) == ["40", "0.750", "0.900", "0.790", "no"]


def test_the_report_of_a_candidate_that_awaits_labels_has_the_pictures_and_the_commands(tmp_path):
    # The workspace was moved after the run.
    command = "carryover label '{0}/<to label>' --output /inbox/dark-labels"
    retrain = "carryover retrain --workspace {0} --inbox /inbox"
    awaiting = summary(
        status="awaiting_labels",
        pushed_version=None,
        unverified={"fog": ["1.png", "2.png"]},
        label_commands=[command.format("/w"), retrain.format("/w")],
    )
    folder = tmp_path / "to_label" / "digest"
    folder.mkdir(parents=True)
    record = tiny_record(tmp_path / "runs" / awaiting.run_id, awaiting)
    (record.folder / BATCH).write_text("digest\n")
    model = tiny_model()
    training = model.description["training"] | {"unlabelled_domains": ["fog"]}
    model = replace(model, description=model.description | {"training": training})
    values = page_values(record, tiny_data(), model)
    page = write_page(record.folder / "report.html", "report.html.j2", **values).read_text()
    assert f"Pictures to label: 2 of fog, in <b>{folder}</b>." in page
    commands = "\n".join(one.format(tmp_path) for one in (command, retrain))
    assert f"<pre>{escape(commands)}</pre>" in page
    assert f"carryover accept {awaiting.run_id} " in page
    assert "unlabelled pictures of fog: accuracy there not measured." in page


def test_the_report_names_domains_in_which_far_fewer_predictions_are_accepted(tmp_path):
    domain = AcceptedDomain(pictures=40, accepted=8, correct=8, accuracy_low=0.8, is_shown=False)
    fallen = domain.model_copy(update={"baseline_coverage": 0.5})
    acceptance = AcceptanceResult(
        accuracy=0.95, min_confidence=0.8, max_novelty=0.95, domains={"day": fallen, "fog": domain}
    )
    text = write_tiny_report(tmp_path, acceptance=acceptance).read_text()
    assert "than by version 1: day 0.500 before, 0.200 now. Clients that use accepted" in text
    assert "fog 0" not in text


def test_the_report_of_a_run_before_there_was_acceptance_says_that_it_is_not_known(tmp_path):
    text = write_tiny_report(tmp_path, acceptance=None).read_text()
    [section] = re.findall(r'<section id="acceptance".*?</section>', text, re.DOTALL)
    assert "Not known" in section


def test_the_model_card_shows_the_metrics_of_the_exports(tmp_path):
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
    assert read_export_metrics(workspace, "m", None) == []
    exports = read_export_metrics(workspace, "m", 1)
    record = replace(tiny_record(tmp_path / "run", summary()), exports=exports)
    values = page_values(record, tiny_data(), tiny_model())
    page = write_page(tmp_path / "page.html", "report.html.j2", **values).read_text()
    card = page[page.index("<h3>Exports</h3>") :]
    assert "tflite-int8" in card
    assert "0.750 (0.970)" in card
    assert SCRIPT not in page


def test_a_run_of_before_predictions_were_kept_says_so(tmp_path):
    record = tiny_record(tmp_path, summary())
    empty = np.array([], object)
    model = tiny_model(SplitPredictions(empty, empty, empty, empty.astype(np.float32), {}))
    write_page(tmp_path / "page.html", "report.html.j2", **page_values(record, tiny_data(), model))
    text = (tmp_path / "page.html").read_text()
    assert text.count("This run kept no predictions for the test pictures") == 2
    assert "No wrong prediction" not in text


def test_credentials_in_the_config_of_an_older_run_are_masked(tmp_path):
    record = tiny_record(tmp_path / "runs" / "1", summary())
    config = record.config | {"kubeflow": {"env": {"A": "hunter2"}}, "data": "s3://a:hunter2@b"}
    shown = page_values(replace(record, config=config), tiny_data(), None)["config"]
    assert "hunter2" not in shown
    assert "data: s3://a:(masked)@b" in shown

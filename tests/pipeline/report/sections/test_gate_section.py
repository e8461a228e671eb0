"""The section about the gate: classes with the largest losses, and what the gate can see."""

from tiny_report import SCRIPT, tiny_classes, tiny_metric, write_tiny_report
from tiny_summary import domain, summary

from pipeline.report.sections import gate_section
from pipeline.report.sections.gate_section import read_gate_section
from pipeline.summary.slices.slice_result import SliceResult


def run_with_classes():
    results = {
        "day": domain(0.9, 0.9).model_copy(update={"classes": {"cat": tiny_classes()["cat"]}}),
        "night": domain(0.5, 0.8).model_copy(update={"classes": tiny_classes()}),
        "new": domain(0.9, 0.1),
    }
    return summary(domains=results)


def test_the_matrix_has_a_row_per_class_and_a_column_per_domain_that_is_gated():
    section = read_gate_section(run_with_classes())
    assert section.domains == ["day", "night"]
    cells = {label: [result and result.recall for result in row] for label, row in section.rows}
    assert cells == {SCRIPT: [None, 0.1], "cat": [0.8, 0.8], "dog": [None, 0.9]}


def test_of_many_classes_those_with_the_largest_losses_are_shown(monkeypatch):
    monkeypatch.setattr(gate_section, "MAX_CLASSES", 1)
    section = read_gate_section(run_with_classes())
    assert [label for label, _ in section.rows] == [SCRIPT]
    assert section.num_hidden == 2


def test_a_gated_metric_is_shown_with_its_interval_and_what_the_gate_can_see(tmp_path):
    gated = domain(0.9, 0.9).model_copy(update={"metrics": {"log_loss": tiny_metric()}})
    section = read_gate_section(summary(domains={"day": gated, "new": domain(0.9, 0.1)}))
    assert section.metrics == [("day", "log_loss", tiny_metric())]
    text = write_tiny_report(tmp_path).read_text()
    for cell in ("log loss", "<b>+0.500</b>", "+0.300 to +0.700", "1,920"):
        assert f">{cell}</td>" in text


def test_a_first_version_has_no_such_section():
    assert read_gate_section(summary(domains={"day": domain(0.9)})) is None


def test_the_page_marks_a_proven_loss_and_a_domain_that_is_too_small(tmp_path):
    text = write_tiny_report(tmp_path).read_text()
    assert "<b>\N{MINUS SIGN}0.800</b> ✗" in text
    assert "Too few test pictures to notice a loss of 0.020: night $x_1$." in text
    assert "0.900 to 0.100 on 30 test pictures" in text
    assert SCRIPT not in text


def test_the_page_shows_every_slice_and_counts_pictures_without_a_value(tmp_path):
    accuracy = {"accuracy": 0.8, "accuracy_low": 0.7, "accuracy_high": 0.9, "macro_f1": 0.5}
    change = {"change": -0.1, "change_low": -0.2, "change_high": -0.05, "compared_images": 90}
    slices = [
        SliceResult(
            values={"domain": "day", "scanner": SCRIPT},
            test_images=1200,
            log_loss=1.0,
            ece=0.1,
            baseline_accuracy=0.9,
            limit=0.02,
            is_proven=True,
            passed=False,
            **accuracy,
            **change,
        )
    ]
    text = write_tiny_report(tmp_path, slices=slices, without_value={"sex": 1300, "bed": 0})
    page = text.read_text()
    assert "domain day, scanner &lt;script&gt;" in page
    assert "<b>\N{MINUS SIGN}0.100</b>" in page
    assert "1,300 test pictures without a value of sex." in page
    assert "no value of bed" not in page
    assert SCRIPT not in page

"""The section about the gate: classes with the largest losses, and what the gate can see."""

from tiny_report import SCRIPT, tiny_classes, write_tiny_report
from tiny_summary import domain, summary

from pipeline.report.sections import gate_section
from pipeline.report.sections.gate_section import read_gate_section


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


def test_a_first_version_has_no_such_section():
    assert read_gate_section(summary(domains={"day": domain(0.9)})) is None


def test_the_page_marks_a_proven_loss_and_a_domain_that_is_too_small(tmp_path):
    text = write_tiny_report(tmp_path).read_text()
    assert "<b>\N{MINUS SIGN}0.800</b> ✗" in text
    assert "Too few test pictures to notice a loss of 0.020: night $x_1$." in text
    assert "0.900 to 0.100 on 30 test pictures" in text
    assert SCRIPT not in text

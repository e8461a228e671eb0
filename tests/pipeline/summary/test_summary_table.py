"""The summary of a run on the terminal."""

import io
from pathlib import Path

import pytest
from rendered_tables import row
from rich.console import Console
from tiny_summary import FROZEN, domain, summary

from pipeline.summary.acceptance_result import AcceptanceResult, AcceptedDomain
from pipeline.summary.summary_schema import Images, Stages, Summary
from pipeline.summary.summary_table import describe_change, show_summary

HEADINGS = ["domain", "images", "frozen*", "tuned*", "accuracy", "baseline", "change"]


WORKSPACE = Path("/my models")


def console() -> Console:
    """Return a terminal without colours."""
    return Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)


def text_of(console: Console) -> str:
    return console.file.getvalue()


def shown(run: Summary, model: str | None = "/serving/shapes/2") -> str:
    terminal = console()
    show_summary(terminal, run, model, run.baseline_version, WORKSPACE)
    return text_of(terminal)


def test_a_pushed_run_shows_counts_domains_and_the_path_of_the_version():
    text = shown(summary())
    assert "2,003 files: 1,400 train, 300 eval, 300 test, 3 rejected" in text
    assert "2 x damaged" in text
    assert row(text, "domain") == HEADINGS
    assert row(text, "day") == ["day", "1,200", "0.800", "0.840", "0.900", "0.875", "+0.025"]
    assert row(text, "night") == ["night", "1,200", "0.620", "0.700", "0.650", "0.700", "-0.050"]
    assert row(text, "mean") == ["mean", "0.710", "0.770", "0.775"]
    assert row(text, "worst") == ["worst: night", "0.650"]
    assert "fine-tuned is exported" in text
    assert "Pushed version 2 in 123 s: /serving/shapes/2" in " ".join(text.split())


def test_pictures_without_a_label_are_counted_beside_the_files():
    text = shown(summary(without_label=1180))
    assert "300 test, 3 rejected; besides, 1,180 without a label" in " ".join(text.split())


def test_without_baseline_and_fine_tuning_their_cells_are_empty():
    stages = Stages(frozen=FROZEN, fine_tuned=None, chosen="frozen")
    text = shown(summary(domains={"day": domain(0.9)}, stages=stages))
    assert row(text, "day") == ["day", "1,200", "0.800", "-", "0.900", "-", "-"]


def test_the_semi_supervised_stage_has_a_column_where_there_was_one():
    unlabelled = FROZEN.model_copy(update={"eval_mean_domain_accuracy": 0.9})
    stages = summary().stages.model_copy(
        update={"semi_supervised": unlabelled, "chosen": "semi_supervised"}
    )
    text = shown(summary(stages=stages))
    assert row(text, "domain") == [*HEADINGS[:4], "semi*", *HEADINGS[4:]]
    assert row(text, "mean") == ["mean", "0.710", "0.770", "0.900", "0.775"]
    assert row(text, "worst")[-1] == "0.650"
    assert "semi-supervised is exported" in text


def test_a_model_that_already_serves_is_not_called_new():
    text = " ".join(shown(summary(new_version=False)).split())
    path = "/serving/shapes/2"
    assert f"Nothing new to push: this model is already version 2 (123 s): {path}" in text


def test_a_model_that_is_not_blessed_is_shown_with_every_reason():
    reasons = ["domain 'night': accuracy 0.650 is below the floor 0.700", "serving check: NaN"]
    text = shown(summary(status="not_blessed", pushed_version=None, reasons=reasons), None)
    assert "Not pushed (123 s). Version 1 still serves." in text
    assert all(f"  {reason}" in text for reason in reasons)


def rejected(*reasons: str) -> str:
    """Return what is shown of a run that was rejected for these reasons."""
    return shown(summary(status="not_blessed", pushed_version=None, reasons=list(reasons)), None)


ACCEPT = "carryover accept 20240101-000000 --reason \"...\" --workspace '/my models'"


@pytest.mark.parametrize("reason", ["domain 'night': worse", "domain 'night', class 'cat': worse"])
def test_a_rejection_names_the_domain_and_the_command_that_accepts_the_candidate(reason):
    assert rejected(reason).endswith(
        f"Give more pictures of 'night', or push the candidate all the same:\n  {ACCEPT}\n"
    )


def test_a_rejection_without_a_domain_names_the_command_alone():
    text = rejected("the same model was version 2 and has been rolled back")
    assert text.endswith(f"Push the candidate all the same:\n  {ACCEPT}\n")


def test_a_share_of_accepted_predictions_that_fell_is_told_with_what_it_means():
    day = AcceptedDomain(
        pictures=100,
        accepted=20,
        correct=20,
        accuracy_low=0.9,
        is_shown=False,
        baseline_coverage=0.5,
    )
    acceptance = AcceptanceResult(
        accuracy=0.95, min_confidence=0.8, max_novelty=0.95, domains={"day": day}
    )
    assert (
        "The share of accepted predictions fell in 'day' from 0.50 to 0.20: clients that use "
        "accepted predictions alone get fewer of them\n"
    ) in shown(summary(acceptance=acceptance))


def test_a_model_that_cannot_be_served_is_not_to_be_accepted():
    assert "carryover accept" not in rejected("domain 'day': worse", "serving check: NaN")


def test_after_a_rejected_first_model_no_version_is_said_to_serve():
    text = shown(summary(status="not_blessed", baseline_version=None, reasons=["why"]), None)
    assert "still serves" not in text


def test_names_with_brackets_are_shown_as_they_are():
    name = "[b]x[/b]"
    domains = {name: domain(0.6), "night": domain(0.9)}
    run = summary(domains=domains, worst_domain=name, reasons=[f"domain '{name}': why"])
    assert row(shown(run), name)[0] == name
    assert row(shown(run), "worst")[0] == f"worst: {name}"
    text = shown(run.model_copy(update={"status": "not_blessed"}), None)
    assert f"domain '{name}': why" in text


def test_at_80_columns_no_heading_and_no_metric_is_cut_off():
    name = "a domain with a very long name that needs more than one line"
    text = shown(summary(domains={name: domain(0.9, 0.875), "night": domain(0.65, 0.7)}))
    assert all(heading in text for heading in HEADINGS)
    assert "+0.025" in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_change_names_the_domains_that_gained_and_lost_most():
    domains = {
        "a": domain(0.8, 0.7),
        "b": domain(0.6, 0.62),
        "c": domain(0.5),
        "d": domain(0.5, 0.5),
    }
    text = describe_change(summary(domains=domains, mean_domain_accuracy=0.6))
    assert text == "'a' +0.100 to 'b' -0.020, mean 0.600"
    assert describe_change(summary(domains={"a": domain(0.8)})) == "version 2"


def test_domains_that_are_too_small_for_the_limit_are_named_a_few_of_them():
    small = {"detectable_loss": 0.13, "needed_images": 1900}
    blind = {"detectable_loss": 1.0, "needed_images": None}
    domains = {name: domain(0.9, 0.9).model_copy(update=small) for name in "abcd"}
    domains["c"] = domain(0.9, 0.9).model_copy(update=blind)
    domains["large"] = domain(0.9, 0.9).model_copy(update=small | {"needed_images": 900})
    text = " ".join(shown(summary(domains=domains, worst_domain="a")).split())
    assert "Too few test pictures to notice a loss of gate.max_drop:" in text
    assert "'a' sees 0.130 with 1,200, needs 1,900; 'b' sees" in text
    assert "'c' sees 1.000 with 1,200; and 1 more" in text
    assert "'large' sees" not in text


def test_domains_that_are_cross_fitted_are_named_with_the_number_of_such_pictures():
    domains = {
        "day": domain(0.9, 0.9),
        "fog": domain(0.8).model_copy(update={"test_images": 40, "cross_fitted_images": 35}),
    }
    text = " ".join(shown(summary(domains=domains, worst_domain="fog")).split())
    assert (
        "Cross-fitted pictures, predicted by models trained without them: 'fog' (35 of 40)" in text
    )
    assert "Cross-fitted" not in shown(summary(domains={"day": domain(0.9)}))


def test_an_accuracy_is_shown_with_half_its_interval():
    measured = domain(0.9).model_copy(update={"accuracy_low": 0.86, "accuracy_high": 0.93})
    assert row(shown(summary(domains={"day": measured})), "day")[4] == "0.900 ±0.04"


def test_the_change_is_that_of_the_compared_pictures_and_such_domains_are_named():
    partly = {"test_images": 40, "compared_images": 30, "change": -0.1}
    domains = {"day": domain(0.9, 0.9), "fog": domain(0.8, 0.85).model_copy(update=partly)}
    run = summary(domains=domains, worst_domain="fog")
    assert row(shown(run), "fog")[-1] == "-0.100"
    text = " ".join(shown(run).split())
    assert "that the serving model was not trained on: 'fog' (30 of 40)" in text
    assert describe_change(run).startswith("'day' +0.000 to 'fog' -0.100")


def test_one_picture_is_counted_as_one():
    images = Images(read=1, rejected=0, train=1, eval=0, test=0)
    run = summary(images=images, ignored_files={"hidden file": 1})
    text = shown(run)
    assert "1 file: 1 train" in text
    assert "1 hidden or system file ignored" in text

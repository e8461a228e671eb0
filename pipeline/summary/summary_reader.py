"""Read the summary of a run from the artifacts of its components."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from components.compat.tfx_internals import serving_model_path
from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.tfma.evaluation_results import read_reasons
from components.image_example_gen.inventory import read_inventory
from components.pusher.executor import (
    ALREADY_SERVES,
    AWAITING_LABELS,
    PUSHED,
    ROLLED_BACK,
    read_outcome,
)
from components.serving_check.executor import read_problems
from pipeline import component_ids
from pipeline.summary.acceptance_result import AcceptanceResult
from pipeline.summary.domain_results import read_domain_results
from pipeline.summary.run_facts import RunFacts
from pipeline.summary.run_outputs import Outputs, candidate_uri
from pipeline.summary.slices.slice_reader import read_slice_results
from pipeline.summary.summary_schema import Calibration, Images, Stage, Stages, Summary
from trainer_module.export.model_description import ACCEPTANCE, read_description


def read_summary(
    facts: RunFacts,
    outputs: Outputs,
    gate: GateOptions,
    baseline_version: int | None,
    baseline: Path | None = None,
) -> Summary:
    """Read the summary of a finished run from the artifacts of its components.

    Args:
        facts: Facts of the run, with its total time.
        outputs: URIs of all artifacts of the run.
        gate: Limits that the Evaluator applied, for the reasons of a rejection.
        baseline_version: Version that the candidate was compared with; None for a first run.
        baseline: Folder of that version; None where what it accepted is not compared.
    """
    inventory = read_inventory(outputs[component_ids.IMAGE_EXAMPLE_GEN]["rejects"])
    outcome, version = read_outcome(outputs[component_ids.PUSHER]["pushed_model"])
    serves = outcome in (PUSHED, ALREADY_SERVES)
    model = read_description(serving_model_path(candidate_uri(outputs)))
    evaluation = outputs[component_ids.EVALUATOR]["evaluation"]
    domains = read_domain_results(evaluation, gate, baseline_version)
    slices, without_value = read_slice_results(evaluation, gate)
    accuracies = {name: domain.accuracy for name, domain in domains.items()}
    trained_on = {"device": model["training"]["device"]}
    facts = replace(facts, environment=facts.environment | trained_on)
    trainer_ran = component_ids.TRAINER in outputs.keys() - set(facts.cached)
    return Summary(
        **vars(facts),
        status=_status(outcome),
        reasons=_reasons(outcome, version, outputs, gate)
        if outcome != AWAITING_LABELS
        else [f"domain '{name}' has no picture with a label" for name in facts.unverified],
        pushed_version=version if serves else None,
        new_version=outcome == PUSHED,
        baseline_version=baseline_version,
        images=_images(inventory),
        reject_reasons=_reject_reasons(inventory),
        classes=model["labels"],
        domains=domains,
        slices=slices,
        without_value=without_value,
        worst_domain=min(accuracies, key=accuracies.__getitem__, default=None),
        mean_domain_accuracy=sum(accuracies.values()) / len(accuracies) if accuracies else None,
        stages=_stages(model["training"], facts.seconds["total"] if trainer_ran else None),
        calibration=Calibration.model_validate(model["training"]["calibration"]),
        acceptance=_compared_acceptance(model["training"], baseline),
    )


def _compared_acceptance(
    training: dict[str, Any], baseline: Path | None
) -> AcceptanceResult | None:
    """Return the accepted predictions of a model beside those of the baseline."""
    found = _acceptance(training)
    if found is None or baseline is None:
        return found
    try:
        before = read_description(str(baseline))["training"]
    except (FileNotFoundError, KeyError):  # another program has exported it
        return found
    return found.compared_with(_acceptance(before))


def _acceptance(training: dict[str, Any]) -> AcceptanceResult | None:
    """Return the accepted predictions; None for a model that was exported without acceptance."""
    if ACCEPTANCE not in training:
        return None
    return AcceptanceResult.model_validate(training[ACCEPTANCE])


def _status(outcome: str) -> Literal["pushed", "not_blessed", "awaiting_labels"]:
    if outcome in (PUSHED, ALREADY_SERVES):
        return "pushed"
    return "awaiting_labels" if outcome == AWAITING_LABELS else "not_blessed"


def _reasons(outcome: str, version: int | None, outputs: Outputs, gate: GateOptions) -> list[str]:
    """Return why the candidate does not serve; empty if it does."""
    if outcome == ROLLED_BACK:
        return [f"the same model was version {version} and has been rolled back"]
    reasons = read_reasons(outputs[component_ids.EVALUATOR]["evaluation"], gate)
    problems = read_problems(outputs[component_ids.SERVING_CHECK]["blessing"])
    return reasons + [f"serving check: {problem}" for problem in problems]


def _images(inventory: dict[str, list[dict[str, Any]]]) -> Images:
    """Count the pictures of an inventory, see `read_inventory`."""
    splits: Counter[str] = Counter()
    for row in inventory["examples"]:
        splits[row["split"]] += row["count"]
    rejected = sum(row["count"] for row in inventory["rejects"])
    return Images(
        read=splits.total() + rejected,
        rejected=rejected,
        train=splits["train"],
        eval=splits["eval"],
        test=splits["test"],
    )


def _reject_reasons(inventory: dict[str, list[dict[str, Any]]]) -> dict[str, int]:
    reasons: Counter[str] = Counter()
    for row in inventory["rejects"]:
        reasons[row["reason"]] += row["count"]
    return dict(sorted(reasons.items()))


def _stages(report: dict[str, Any], total: float | None) -> Stages:
    """Return the results of the stages.

    Args:
        report: Report of the trainer, from the description of the model.
        total: Seconds of the whole run; None if this run did not train.
    """
    return Stages(
        frozen=_stage(report["frozen"], total),
        **{
            name: _stage(report[name], total) if name in report else None
            for name in ("fine_tuned", "semi_supervised")
        },
        chosen=report["chosen"],
    )


def _stage(row: dict[str, Any], total: float | None) -> Stage:
    return Stage(
        eval_accuracy=row["accuracy"],
        eval_mean_domain_accuracy=row["mean_domain_accuracy"],
        eval_domain_accuracy=row["domain_accuracy"],
        epochs=row["epochs"],
        seconds=row["seconds"],
        share=row["seconds"] / total if total else None,
    )

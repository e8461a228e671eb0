"""What a run came to, read from the artifacts that its components left."""

from collections import Counter
from typing import Any

from tfx.utils.path_utils import serving_model_path

from components.evaluation.eval_config import BASELINE, CANDIDATE
from components.evaluation.evaluation_results import read_domain_metrics, read_reasons
from components.image_example_gen.inventory import read_inventory
from components.pusher.executor import (
    ALREADY_SERVES,
    PUSHED,
    ROLLED_BACK,
    read_outcome,
)
from components.serving_check.executor import read_problems
from pipeline.config.run_config import RunConfig
from pipeline.running.run import Run
from pipeline.summary.summary_schema import Calibration, Domain, Images, Stage, Stages, Summary
from trainer_module.export.saved_model import read_description

#: Component id -> output name -> URI.
Outputs = dict[str, dict[str, str]]


def read_summary(run: Run, outputs: Outputs, baseline_version: int | None) -> Summary:
    """Read what the components of a finished run left behind.

    Args:
        run: that has finished.
        outputs: URIs of all artifacts.
        baseline_version: what the candidate was compared with.
    """
    inventory = read_inventory(outputs["ImageExampleGen"]["rejects"])
    outcome, version = read_outcome(outputs["Pusher"]["pushed_model"])
    serves = outcome in (PUSHED, ALREADY_SERVES)
    model = read_description(serving_model_path(outputs["Trainer"]["model"]))
    domains = _domains(outputs["Evaluator"]["evaluation"])
    accuracies = {name: domain.accuracy for name, domain in domains.items()}
    return Summary(
        **run.facts(device=model["training"]["device"]),
        status="pushed" if serves else "not_blessed",
        reasons=_reasons(outcome, version, outputs, run.config),
        pushed_version=version if serves else None,
        new_version=outcome == PUSHED,
        baseline_version=baseline_version,
        images=_images(inventory),
        reject_reasons=_reject_reasons(inventory),
        classes=model["labels"],
        domains=domains,
        worst_domain=min(accuracies, key=accuracies.__getitem__, default=None),
        mean_domain_accuracy=sum(accuracies.values()) / len(accuracies) if accuracies else None,
        stages=_stages(
            model["training"], None if "Trainer" in run.cached else run.seconds["total"]
        ),
        calibration=Calibration.model_validate(model["training"]["calibration"]),
    )


def _reasons(outcome: str, version: int | None, outputs: Outputs, config: RunConfig) -> list[str]:
    if outcome == ROLLED_BACK:
        return [f"the same model was version {version} and has been rolled back"]
    gates = read_reasons(outputs["Evaluator"]["evaluation"], config.gate)
    problems = read_problems(outputs["ServingCheck"]["blessing"])
    return gates + [f"serving check: {problem}" for problem in problems]


def _images(inventory: dict[str, list[dict[str, Any]]]) -> Images:
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


def _domains(evaluation: str) -> dict[str, Domain]:
    candidate = read_domain_metrics(evaluation, CANDIDATE)
    baseline = read_domain_metrics(evaluation, BASELINE)
    return {
        name: Domain.model_validate(
            values | {"baseline_accuracy": baseline.get(name, {}).get("accuracy")}
        )
        for name, values in sorted(candidate.items())
    }


def _stages(report: dict[str, Any], total: float | None) -> Stages:
    """What training reports of both stages, with their share of a run's total seconds."""
    return Stages(
        frozen=_stage(report["frozen"], total),
        fine_tuned=_stage(report["fine_tuned"], total) if "fine_tuned" in report else None,
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

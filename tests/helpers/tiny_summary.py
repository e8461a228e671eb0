"""Summaries of runs that never were."""

from typing import Any

from components.data_gate.findings import Finding
from pipeline.summary.summary_schema import (
    Calibration,
    Domain,
    DomainCalibration,
    Images,
    Stage,
    Stages,
    Summary,
)

FROZEN = Stage(
    eval_accuracy=0.7,
    eval_mean_domain_accuracy=0.71,
    eval_domain_accuracy={"day": 0.8, "night": 0.62},
    epochs=12,
    seconds=3.5,
    share=0.03,
)

FINE_TUNED = FROZEN.model_copy(
    update={
        "eval_mean_domain_accuracy": 0.77,
        "eval_domain_accuracy": {"day": 0.84, "night": 0.7},
    }
)


def domain(accuracy: float, baseline: float | None = None) -> Domain:
    """Results of one domain."""
    return Domain(
        test_images=1200,
        accuracy=accuracy,
        macro_f1=0.5,
        log_loss=1.0,
        ece=0.1,
        baseline_accuracy=baseline,
    )


def summary(**changes: Any) -> Summary:
    """A run that pushed version 2, with some fields changed."""
    fields: dict[str, Any] = {
        "run_id": "20240101-000000",
        "status": "pushed",
        "pushed_version": 2,
        "new_version": True,
        "baseline_version": 1,
        "reasons": [],
        "images": Images(read=2003, rejected=3, train=1400, eval=300, test=300),
        "reject_reasons": {"damaged": 2, "empty file": 1},
        "ignored_files": {"hidden file": 4, "system file": 1},
        "findings": [
            Finding(kind="skew", severity="warning", text="domain 'night' differs [in] its splits"),
            Finding(kind="copies", severity="information", text="7 copies"),
        ],
        "classes": ["cat", "dog"],
        "domains": {"day": domain(0.9, 0.875), "night": domain(0.65, 0.7)},
        "worst_domain": "night",
        "mean_domain_accuracy": 0.775,
        "stages": Stages(frozen=FROZEN, fine_tuned=FINE_TUNED, chosen="fine_tuned"),
        "calibration": Calibration(
            temperature=1.5,
            domains={
                "day": DomainCalibration(ece_before=0.2, ece_after=0.05),
                "night": DomainCalibration(ece_before=0.3, ece_after=0.1),
            },
        ),
        "seconds": {"Trainer": 100.4, "total": 123.4},
        "cached": ["StatisticsGen"],
        "environment": {"python": "3.10", "cpus": 2, "git_revision": None},
        "seed": 17,
    }
    return Summary(**(fields | changes))

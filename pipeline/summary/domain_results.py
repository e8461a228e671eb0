"""Results of every domain: the metrics of TFMA, and what the gate found."""

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import ACCURACY, GateRow, GateTable, read_gate_table
from components.evaluation.statistics.accuracy_interval import accuracy_interval
from components.evaluation.tfma.evaluation_results import read_domain_metrics
from pipeline.summary.summary_schema import ClassResult, Domain, MetricResult


def read_domain_results(
    evaluation: str, gate: GateOptions, serving: int | None
) -> dict[str, Domain]:
    """Return the results of every domain with test pictures, by name.

    Args:
        evaluation: URI of the Evaluator's `evaluation` artifact.
        gate: Limits that the Evaluator applied.
        serving: Version that the candidate was compared with; None for a first run.
    """
    table = read_gate_table(evaluation) or GateTable(level=0, num_tests=0, rows=[])
    return {
        name: Domain.model_validate(
            {
                **metrics,
                **_accuracy_interval(metrics, gate),
                "cross_fitted_images": table.cross_fitted.get(name, 0),
                **_gate_results([row for row in table.rows if row.domain == name], table, serving),
            }
        )
        for name, metrics in sorted(read_domain_metrics(evaluation).items())
    }


def _accuracy_interval(metrics: dict[str, float], gate: GateOptions) -> dict[str, float]:
    low, high = accuracy_interval(metrics["accuracy"], metrics["test_images"], gate.confidence)
    return {"accuracy_low": low, "accuracy_high": high}


def _gate_results(rows: list[GateRow], table: GateTable, serving: int | None) -> dict[str, object]:
    results: dict[str, object] = {
        "classes": {row.label: _class_result(row, table) for row in rows if row.label is not None},
        "metrics": {
            row.metric: _metric_result(row, table) for row in rows if row.metric != ACCURACY
        },
    }
    for row in rows:
        if row.metric != ACCURACY:
            continue
        if row.label is None and row.version == serving:
            if row.before is not None:
                results["compared_images"] = row.pictures
                results["change"] = row.after - row.before
            results["detectable_loss"] = row.detectable_loss
            results["needed_images"] = row.needed_pictures
        elif row.label is None and row.version:
            results["best_version"] = row.version
            results["best_accuracy"] = row.before
    return results


def _metric_result(row: GateRow, table: GateTable) -> MetricResult:
    return MetricResult.model_validate(
        {
            "test_images": row.pictures,
            "baseline": row.before,
            "candidate": row.after,
            "change_low": row.change_low,
            "change_high": row.change_high,
            "limit": row.limit,
            "is_proven": table.is_proven(row),
            "passed": row.passed,
            "detectable_loss": row.detectable_loss,
            "needed_images": row.needed_pictures,
        }
    )


def _class_result(row: GateRow, table: GateTable) -> ClassResult:
    return ClassResult(
        test_images=row.pictures,
        recall=row.after,
        baseline_recall=row.before,
        change_low=row.change_low,
        change_high=row.change_high,
        is_proven=table.is_proven(row),
        passed=row.passed,
        detectable_loss=row.detectable_loss,
        needed_images=row.needed_pictures,
    )

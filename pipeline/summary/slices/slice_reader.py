"""Results of every slice: the metrics of TFMA, and what the gate found."""

from typing import Any

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import GateTable, SliceRow, read_gate_table
from components.evaluation.statistics.accuracy_interval import accuracy_interval
from components.evaluation.tfma.evaluation_results import read_metrics
from pipeline.summary.slices.slice_result import SliceResult


def read_slice_results(
    evaluation: str, gate: GateOptions
) -> tuple[list[SliceResult], dict[str, int]]:
    """Return the results of every slice with test pictures, and what has no value.

    Args:
        evaluation: URI of the Evaluator's `evaluation` artifact.
        gate: Limits that the Evaluator applied.

    Returns:
        The results, slice by slice as the config names them, and the number of test pictures
        without a value by column.
    """
    table = read_gate_table(evaluation)
    if table is None or not table.slices:
        return [], table.without_value if table else {}
    metrics = read_metrics(evaluation)
    results = [
        _result(row, metrics[frozenset(row.values.items())], table, gate) for row in table.slices
    ]
    return results, table.without_value


def _result(
    row: SliceRow, metrics: dict[str, float], table: GateTable, gate: GateOptions
) -> SliceResult:
    names = ("test_images", "accuracy", "macro_f1", "log_loss", "ece")
    values: dict[str, Any] = {name: metrics[name] for name in names}
    low, high = accuracy_interval(metrics["accuracy"], metrics["test_images"], gate.confidence)
    values |= {"values": row.values, "accuracy_low": low, "accuracy_high": high}
    if row.before is not None:
        values |= {
            "compared_images": row.pictures,
            "baseline_accuracy": row.before,
            "change": row.after - row.before,
            "change_low": row.change_low,
            "change_high": row.change_high,
            "limit": row.limit,
            "is_proven": row.limit is not None and table.is_proven(row),
            "passed": row.passed,
            "detectable_loss": row.detectable_loss,
            "needed_images": row.needed_pictures,
        }
    return SliceResult.model_validate(values)

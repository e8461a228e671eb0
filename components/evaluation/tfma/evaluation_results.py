"""Results of the Evaluator: metrics per domain, and why a candidate was not blessed."""

from collections.abc import Iterator
from math import isnan

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import validation_result_pb2

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import (
    ACCURACY,
    GateRow,
    GateTable,
    PairedRow,
    read_gate_table,
)
from components.evaluation.statistics.weighted_metric import LOWER_IS_BETTER
from components.evaluation.tfma.eval_config import BASELINE, METRICS
from components.evaluation.tfma.paired_change import BEFORE, HIGH, LOW, metric_name
from trainer_module.contract import example_features
from trainer_module.contract.output_text.wording import counted
from trainer_module.contract.printable_names import shortened

#: A slice: pairs of a column and its value.
SliceKey = frozenset[tuple[str, str]]

#: Name of the accuracy of the baseline in the results below.
BASELINE_ACCURACY = "baseline_accuracy"

#: Metric -> name in the results below.
_NAMES = {name: name for name in METRICS} | {
    "example_count": "test_images",
    metric_name(BEFORE, BASELINE): BASELINE_ACCURACY,
    metric_name(LOW, BASELINE): LOW,
    metric_name(HIGH, BASELINE): HIGH,
}


def read_metrics(evaluation_uri: str) -> dict[SliceKey, dict[str, float]]:
    """Return the metrics of the candidate on the test pictures of all slices but the classes.

    Args:
        evaluation_uri: URI of the Evaluator's `evaluation` artifact.

    Returns:
        Slice -> `test_images`, the metrics by name, and with a baseline `baseline_accuracy`,
        `change_low` and `change_high`.
    """
    slices: dict[SliceKey, dict[str, float]] = {}
    for record in tfma.load_metrics(evaluation_uri):
        keys = record.slice_key.single_slice_keys
        if example_features.LABEL not in [key.column for key in keys]:
            metrics = {
                _NAMES[entry.key.name]: entry.value.double_value.value
                for entry in record.metric_keys_and_values
                if entry.key.name in _NAMES
            }
            slices[frozenset((key.column, _text(key.bytes_value)) for key in keys)] = _compared(
                metrics
            )
    return slices


def _compared(metrics: dict[str, float]) -> dict[str, float]:
    """Return the metrics without those of a comparison, if no picture could be compared."""
    if not isnan(metrics.get(BASELINE_ACCURACY, 0.0)):
        return metrics
    comparison = (BASELINE_ACCURACY, LOW, HIGH)
    return {name: value for name, value in metrics.items() if name not in comparison}


def read_domain_metrics(evaluation_uri: str) -> dict[str, dict[str, float]]:
    """Return the metrics of every domain by its name, see `read_metrics`."""
    return domain_metrics(read_metrics(evaluation_uri))


def domain_metrics(slices: dict[SliceKey, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return the metrics of the slices that are a whole domain, by its name.

    Args:
        slices: Metrics of `read_metrics`.
    """
    return {
        value: metrics
        for key, metrics in slices.items()
        if len(key) == 1
        for column, value in key
        if column == example_features.DOMAIN
    }


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def read_reasons(evaluation_uri: str, gate: GateOptions) -> list[str]:
    """Return why a candidate was not blessed.

    Args:
        evaluation_uri: URI of the Evaluator's `evaluation` artifact.
        gate: Limits of the run.

    Returns:
        One text per failed gate, which begins with the domain; empty for a blessed candidate.
    """
    result = tfma.load_validation_result(evaluation_uri)
    return find_reasons(result, read_gate_table(evaluation_uri), gate)


def find_reasons(
    result: validation_result_pb2.ValidationResult, table: GateTable | None, gate: GateOptions
) -> list[str]:
    """Return why a candidate was not blessed, see `read_reasons`.

    Args:
        result: Result of TFMA's validation.
        table: What the gate found; None for an evaluation that was made before tables were kept.
        gate: Limits of the run.
    """
    if result.validation_ok:
        return []
    reasons = list(describe_failures(table, gate)) if table else []
    return reasons + [
        f"domain '{missing.feature_values[example_features.DOMAIN]}' has no test pictures"
        for missing in result.missing_slices
    ]


def describe_failures(table: GateTable, gate: GateOptions) -> Iterator[str]:
    """Yield one text per gate that failed.

    Args:
        table: What the gate found.
        gate: Limits.
    """
    slices: dict[tuple[str, str | None], GateRow] = {}
    for row in table.rows:  # the first row of a slice is the one with most of its test pictures
        slices.setdefault((row.domain, row.label), row)
    for (domain, label), row in slices.items():
        floor = _floor(row, gate)
        value = table.accuracies.get(domain, row.after) if label is None else row.after
        if value < floor:
            text = f"{_measure(label)} {value:.3f} is below the floor {floor:.3f}"
            yield f"{_where(domain, label)}: {text}"
    for row in table.rows:
        if not row.passed:
            text = _describe_failure(row, gate, table.is_proven(row))
            yield f"{_where(row.domain, row.label)}: {text}"
    for one in table.slices:
        if not one.passed:  # only a loss that is proven fails
            yield f"{describe_slice(one.values)}: {_describe_loss('accuracy', one, gate)}"


def describe_slice(values: dict[str, str]) -> str:
    """Return a text for people that names a slice, such as "domain 'ward', scanner 'B'".

    Args:
        values: Column -> value.
    """
    return ", ".join(f"{shortened(name)} '{shortened(text)}'" for name, text in values.items())


def _floor(row: GateRow, gate: GateOptions) -> float:
    return gate.min_accuracy if row.label is None else gate.class_min_recall or 0.0


def _where(domain: str, label: str | None) -> str:
    return f"domain '{domain}'" if label is None else f"domain '{domain}', class '{label}'"


def _measure(label: str | None) -> str:
    return "accuracy" if label is None else "recall"


def _describe_failure(row: GateRow, gate: GateOptions, is_proven: bool) -> str:
    if row.before is None:
        return (
            f"none of {counted(row.pictures, 'picture')} can be compared with the serving model, "
            "which was trained on them or does not know their classes. Deliver other pictures of "
            "the domain"
        )
    if row.is_new:
        if (row.p_value or 0.0) <= (row.limit or 0.0):  # it has gained in all pictures together
            return (
                "the domain is new, and the candidate is worse than the serving model in the "
                "classes that both know"
            )
        return (
            "the domain is new, and the candidate is not proven better than the serving model: "
            f"accuracy {_values(row)}"
        )
    measure = _measure(row.label) if row.metric == ACCURACY else metric_text(row.metric, gate)
    is_rise = row.metric in LOWER_IS_BETTER
    if is_proven:
        return _describe_loss(measure, row, gate, is_rise)
    change = _describe_change(row, gate)
    loss = "rise" if is_rise else "loss"
    return f"a {loss} above {row.limit:.3f} cannot be ruled out: {measure} {change}"


def metric_text(metric: str, gate: GateOptions) -> str:
    """Return the name of a metric for people.

    Args:
        metric: Key of `gate.metrics`.
        gate: Limits.
    """
    if metric == "recall_at_precision":
        return f"recall at precision {gate.precision:g}"
    return {"macro_f1": "macro F1"}.get(metric, metric.replace("_", " "))


def _describe_loss(measure: str, row: PairedRow, gate: GateOptions, is_rise: bool = False) -> str:
    verb, loss = ("rose", "rise") if is_rise else ("fell", "loss")
    change = _describe_change(row, gate)
    return (
        f"{measure} {verb} by more than chance {change}, and a {loss} of {row.limit:.3f} is allowed"
    )


def _describe_change(row: PairedRow, gate: GateOptions) -> str:
    interval = f"{gate.confidence:.0%} confidence interval {row.change_low:+.3f} to "
    interval += f"{row.change_high:+.3f}"
    return f"against version {row.version}, {_values(row)} ({interval})"


def _values(row: PairedRow) -> str:
    pictures = counted(row.pictures, "test picture")
    return f"from {row.before:.3f} to {row.after:.3f} on {pictures}"

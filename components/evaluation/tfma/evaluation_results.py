"""Results of the Evaluator: metrics per domain, and why a candidate was not blessed."""

from collections.abc import Iterator

import tensorflow_model_analysis as tfma

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import GateRow, GateTable, read_gate_table
from components.evaluation.tfma.eval_config import BASELINE, METRICS
from components.evaluation.tfma.paired_change import BEFORE, HIGH, LOW, metric_name
from trainer_module.contract import example_features

#: Metric -> name in the results below.
_NAMES = {name: name for name in METRICS} | {
    "example_count": "test_images",
    metric_name(BEFORE, BASELINE): "baseline_accuracy",
    metric_name(LOW, BASELINE): LOW,
    metric_name(HIGH, BASELINE): HIGH,
}


def read_domain_metrics(evaluation_uri: str) -> dict[str, dict[str, float]]:
    """Return the metrics of the candidate on every domain's test pictures.

    Args:
        evaluation_uri: URI of the Evaluator's `evaluation` artifact.

    Returns:
        Domain -> `test_images`, the metrics by name, and with a baseline `baseline_accuracy`,
        `change_low` and `change_high`.
    """
    domains: dict[str, dict[str, float]] = {}
    for record in tfma.load_metrics(evaluation_uri):
        keys = record.slice_key.single_slice_keys
        if [key.column for key in keys] == [example_features.DOMAIN]:
            values = {
                _NAMES[entry.key.name]: entry.value.double_value.value
                for entry in record.metric_keys_and_values
                if entry.key.name in _NAMES
            }
            domains[_text(keys[0].bytes_value)] = values
    return domains


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
    if result.validation_ok:
        return []
    table = read_gate_table(evaluation_uri)
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
    for row in table.rows:  # the first row of a slice is the one with all of its test pictures
        slices.setdefault((row.domain, row.label), row)
    for (domain, label), row in slices.items():
        floor = _floor(row, gate)
        if row.after < floor:
            text = f"{_measure(label)} {row.after:.3f} is below the floor {floor:.3f}"
            yield f"{_where(domain, label)}: {text}"
    for row in table.rows:
        if not row.passed:
            is_proven = row.p_value is not None and row.p_value <= table.level
            text = _describe_failure(row, gate, is_proven)
            yield f"{_where(row.domain, row.label)}: {text}"


def _floor(row: GateRow, gate: GateOptions) -> float:
    return gate.min_accuracy if row.label is None else gate.class_min_recall or 0.0


def _where(domain: str, label: str | None) -> str:
    return f"domain '{domain}'" if label is None else f"domain '{domain}', class '{label}'"


def _measure(label: str | None) -> str:
    return "accuracy" if label is None else "recall"


def _describe_failure(row: GateRow, gate: GateOptions, is_proven: bool) -> str:
    pictures = f"{row.pictures:,} test pictures"
    values = f"from {row.before:.3f} to {row.after:.3f}"
    if row.is_new:
        return (
            "the domain is new, and the candidate is not proven better than the serving model: "
            f"accuracy {values} on {pictures}"
        )
    interval = f"{gate.confidence:.0%} confidence interval {row.change_low:+.3f} to "
    interval += f"{row.change_high:+.3f}"
    change = f"against version {row.version}, {values} on {pictures} ({interval})"
    if is_proven:
        return (
            f"{_measure(row.label)} fell by more than chance {change}, and a loss of "
            f"{row.limit:.3f} is allowed"
        )
    return f"a loss above {row.limit:.3f} cannot be ruled out: {_measure(row.label)} {change}"

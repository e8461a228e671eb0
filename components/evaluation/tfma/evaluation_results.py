"""Results of TFX's Evaluator: metrics per domain, and why a candidate was not blessed."""

from typing import Any

import tensorflow_model_analysis as tfma

from components.evaluation.eval_config import CANDIDATE, METRICS
from components.evaluation.gate_options import GateOptions
from components.evaluation.paired_change import GAIN, HIGH, LOW
from trainer_module.contract import example_features


def read_domain_metrics(evaluation_uri: str, model: str) -> dict[str, dict[str, float]]:
    """Return the metrics of one model on every domain's test pictures.

    Args:
        evaluation_uri: URI of the Evaluator's `evaluation` artifact.
        model: `CANDIDATE` or `BASELINE`.

    Returns:
        Domain -> `test_images` and the metrics by name; empty where the model was not evaluated.
    """
    domains: dict[str, dict[str, float]] = {}
    for record in tfma.load_metrics(evaluation_uri):
        keys = record.slice_key.single_slice_keys
        if [key.column for key in keys] == [example_features.DOMAIN]:
            values = _values(record, model)
            if values:
                domains[_text(keys[0].bytes_value)] = values
    return domains


def _values(record: Any, model: str) -> dict[str, float]:
    # TFMA leaves the name out when there is only one model.
    names = {CANDIDATE, ""} if model == CANDIDATE else {model}
    values = {}
    for entry in record.metric_keys_and_values:
        if entry.key.is_diff or entry.key.model_name not in names:
            continue
        if entry.key.name in (*METRICS, LOW, HIGH):
            values[entry.key.name] = entry.value.double_value.value
        elif entry.key.name == "example_count":
            values["test_images"] = entry.value.double_value.value
    return values


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
    reasons = []
    for validation in result.metric_validations_per_slice:
        domain = _domain(validation.slice_key)
        for failure in validation.failures:
            reasons.append(f"domain '{domain}': {_reason(failure, gate)}")
    for missing in result.missing_slices:
        reasons.append(
            f"domain '{missing.feature_values[example_features.DOMAIN]}' has no test pictures"
        )
    return reasons


def _domain(slice_key: Any) -> str:
    names = [_text(key.bytes_value) for key in slice_key.single_slice_keys]
    return names[0] if names else "all"


def _reason(failure: Any, gate: GateOptions) -> str:
    value = failure.metric_value.double_value.value
    if failure.metric_key.name == HIGH:
        return (
            f"accuracy fell by more than chance: the {gate.confidence:.0%} confidence interval of "
            f"its change ends at {value:+.3f}, and a loss of {gate.max_drop:.3f} is allowed"
        )
    if failure.metric_key.name == GAIN:
        return (
            "the domain is new, and accuracy is no better than with the serving model "
            f"(change {value:+.3f})"
        )
    return f"accuracy {value:.3f} is below the floor {gate.min_accuracy:.3f}"

"""What is measured on the test split, and what a model must reach to be blessed."""

import json
from collections.abc import Collection
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from pipeline.config import GateOptions
from pipeline.paired_change import GAIN, HIGH, LEAST_GAIN, LOW
from trainer_module import features

METRICS = ("accuracy", "macro_f1", "log_loss", "ece")
CANDIDATE = "candidate"
BASELINE = "baseline"


def create_eval_config(
    domains: tuple[str, ...],
    gate: GateOptions,
    code: str,
    known: Collection[str] | None = None,
) -> config_pb2.EvalConfig:
    """Slices, metrics and gates.

    Every domain has a floor. One that the model that serves was trained on may not lose more than
    `gate.max_drop` for certain: the interval of the change must reach above it. In a new one the
    candidate must be better, or right on every picture.

    Args:
        domains: names of those in this run. A gate of a domain without test pictures fails: what
            was not tested is not blessed.
        gate: the limits.
        code: fingerprint of the metrics' code.
        known: domains that the baseline was trained on; None where there is no baseline.
    """
    models = [_model_spec(CANDIDATE, False)]
    metrics = [
        config_pb2.MetricConfig(class_name="ExampleCount"),
        _metric("accuracy", code, _gates(domains, gate.min_accuracy)),
        *(_metric(name, code) for name in METRICS if name != "accuracy"),
        config_pb2.MetricConfig(class_name="MultiClassConfusionMatrixPlot"),
    ]
    if known is not None:
        models.append(_model_spec(BASELINE, True))
        old = [domain for domain in domains if domain in known]
        new = [domain for domain in domains if domain not in known]
        metrics += [
            _change(LOW, gate, code),
            _change(HIGH, gate, code, _gates(old, -gate.max_drop)),
            _change(GAIN, gate, code, _gates(new, LEAST_GAIN)),
        ]
    return config_pb2.EvalConfig(
        model_specs=models,
        slicing_specs=[
            config_pb2.SlicingSpec(),
            config_pb2.SlicingSpec(feature_keys=[features.DOMAIN]),
            config_pb2.SlicingSpec(feature_keys=[features.DOMAIN, features.LABEL]),
        ],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


def _model_spec(name: str, is_baseline: bool) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        is_baseline=is_baseline,
        signature_name="serving_examples",
        preprocessing_function_names=[features.LABEL_ID],
        label_key=features.LABEL_ID,
        prediction_key=features.PROBABILITIES,
    )


def _metric(
    name: str, code: str, gates: list[config_pb2.PerSliceMetricThreshold] | None = None
) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name="ClassifierMetric",
        module="pipeline.metrics",
        config=json.dumps({"name": name, "code": code}),
        per_slice_thresholds=gates or [],
    )


def _change(
    name: str,
    gate: GateOptions,
    code: str,
    gates: list[config_pb2.PerSliceMetricThreshold] | None = None,
) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name="PairedChange",
        module="pipeline.paired_change",
        config=json.dumps({"name": name, "confidence": gate.confidence, "code": code}),
        per_slice_thresholds=gates or [],
    )


def _gates(domains: Collection[str], least: float) -> list[config_pb2.PerSliceMetricThreshold]:
    """The least value of a metric, for each domain by itself."""
    limit = config_pb2.GenericValueThreshold(lower_bound={"value": least})
    return [
        config_pb2.PerSliceMetricThreshold(
            slicing_specs=[config_pb2.SlicingSpec(feature_values={features.DOMAIN: domain})],
            threshold=config_pb2.MetricThreshold(value_threshold=limit),
        )
        for domain in domains
    ]


def read_domain_metrics(evaluation_uri: str, model: str) -> dict[str, dict[str, float]]:
    """Metrics of one model on every domain's test pictures.

    Args:
        evaluation_uri: of the Evaluator's `evaluation` artifact.
        model: `CANDIDATE` or `BASELINE`.

    Returns:
        Domain -> `test_images` and the metrics by name; empty where the model was not evaluated.
    """
    domains: dict[str, dict[str, float]] = {}
    for record in tfma.load_metrics(evaluation_uri):
        keys = record.slice_key.single_slice_keys
        if [key.column for key in keys] == [features.DOMAIN]:
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
    """Why a candidate was not blessed, one sentence per broken gate; empty when it was."""
    result = tfma.load_validation_result(evaluation_uri)
    if result.validation_ok:
        return []
    reasons = []
    for validation in result.metric_validations_per_slice:
        domain = _domain(validation.slice_key)
        for failure in validation.failures:
            reasons.append(f"domain '{domain}': {_reason(failure, gate)}")
    for missing in result.missing_slices:
        reasons.append(f"domain '{missing.feature_values[features.DOMAIN]}' has no test pictures")
    return reasons


def _domain(slice_key: Any) -> str:
    names = [_text(key.bytes_value) for key in slice_key.single_slice_keys]
    return names[0] if names else "all"


def _reason(failure: Any, gate: GateOptions) -> str:
    value = failure.metric_value.double_value.value
    if failure.metric_key.name == HIGH:
        return (
            f"accuracy fell by more than chance: the {gate.confidence:.0%} interval of its change "
            f"ends at {value:+.3f}, and a loss of {gate.max_drop:.3f} is allowed"
        )
    if failure.metric_key.name == GAIN:
        return f"new, and no better than with the model that serves ({value:+.3f})"
    return f"accuracy {value:.3f} is below the floor {gate.min_accuracy:.3f}"

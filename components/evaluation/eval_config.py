"""What is measured on the test split, and what a model must reach to be blessed."""

import json
from collections.abc import Collection

from tensorflow_model_analysis.proto import config_pb2

from components.evaluation.gate_options import GateOptions
from components.evaluation.paired_change import GAIN, HIGH, LEAST_GAIN, LOW
from trainer_module.contract import example_features

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
            config_pb2.SlicingSpec(feature_keys=[example_features.DOMAIN]),
            config_pb2.SlicingSpec(feature_keys=[example_features.DOMAIN, example_features.LABEL]),
        ],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


def _model_spec(name: str, is_baseline: bool) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        is_baseline=is_baseline,
        signature_name="serving_examples",
        preprocessing_function_names=[example_features.LABEL_ID],
        label_key=example_features.LABEL_ID,
        prediction_key=example_features.PROBABILITIES,
    )


def _metric(
    name: str, code: str, gates: list[config_pb2.PerSliceMetricThreshold] | None = None
) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name="ClassifierMetric",
        module="components.evaluation.classifier_metrics",
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
        module="components.evaluation.paired_change",
        config=json.dumps({"name": name, "confidence": gate.confidence, "code": code}),
        per_slice_thresholds=gates or [],
    )


def _gates(domains: Collection[str], least: float) -> list[config_pb2.PerSliceMetricThreshold]:
    """The least value of a metric, for each domain by itself."""
    limit = config_pb2.GenericValueThreshold(lower_bound={"value": least})
    return [
        config_pb2.PerSliceMetricThreshold(
            slicing_specs=[
                config_pb2.SlicingSpec(feature_values={example_features.DOMAIN: domain})
            ],
            threshold=config_pb2.MetricThreshold(value_threshold=limit),
        )
        for domain in domains
    ]

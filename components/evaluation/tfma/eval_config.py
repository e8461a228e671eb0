"""Config of TFX's Evaluator: slices, metrics, and what a candidate must reach to be blessed."""

import json
from collections.abc import Collection

from tensorflow_model_analysis.proto import config_pb2

from components.evaluation.gate_options import GateOptions
from components.evaluation.paired_change import GAIN, HIGH, LEAST_GAIN, LOW
from trainer_module.contract import example_features

#: Metrics of every slice, see `classifier_metrics`.
METRICS = ("accuracy", "macro_f1", "log_loss", "ece")

#: Names of the two models.
CANDIDATE = "candidate"
BASELINE = "baseline"


def create_eval_config(
    domains: tuple[str, ...],
    gate: GateOptions,
    code: str,
    known: Collection[str] | None = None,
) -> config_pb2.EvalConfig:
    """Return the EvalConfig of a run.

    Every domain has a floor for the accuracy of the candidate. In a domain that the baseline was
    trained on, it must not certainly lose more than `gate.max_drop`: the upper end of the change's
    interval must be above it. In a new domain it must be better than the baseline, or classify
    every picture correctly.

    Args:
        domains: Names of the domains in this run. The gate of a domain without test pictures
            fails: an untested candidate is not blessed.
        gate: Limits.
        code: Fingerprint of the metrics' code, for TFX's cache.
        known: Domains that the baseline was trained on; None where there is no baseline.
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
        known_domains = [domain for domain in domains if domain in known]
        new_domains = [domain for domain in domains if domain not in known]
        metrics += [
            _change(LOW, gate, code),
            _change(HIGH, gate, code, _gates(known_domains, -gate.max_drop)),
            _change(GAIN, gate, code, _gates(new_domains, LEAST_GAIN)),
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


def _gates(domains: Collection[str], minimum: float) -> list[config_pb2.PerSliceMetricThreshold]:
    """Minimum of a metric, for each domain by itself."""
    limit = config_pb2.GenericValueThreshold(lower_bound={"value": minimum})
    return [
        config_pb2.PerSliceMetricThreshold(
            slicing_specs=[
                config_pb2.SlicingSpec(feature_values={example_features.DOMAIN: domain})
            ],
            threshold=config_pb2.MetricThreshold(value_threshold=limit),
        )
        for domain in domains
    ]

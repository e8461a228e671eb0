"""TFMA's EvalConfig of a run: slices, metrics, and what a candidate must reach to be blessed."""

import json
from collections.abc import Collection, Iterable

from tensorflow_model_analysis.proto import config_pb2

from components.evaluation.gate.gate_options import NO_POSSIBLE_LOSS, GateOptions
from components.evaluation.gate.gate_table import GateRow, GateTable
from components.evaluation.tfma.paired_change import (
    BEFORE,
    GAINED,
    HIGH,
    LOW,
    POSSIBLE_LOSS,
    PROVEN_LOSS,
    metric_name,
)
from trainer_module.contract import example_features

#: Metrics of every slice, see `classifier_metrics`.
METRICS = ("accuracy", "macro_f1", "log_loss", "ece")

#: Names of the models: the candidate, the serving version, and in each domain the version that was
#: best in it.
CANDIDATE = "candidate"
BASELINE = "baseline"
BEST = "best"


def correct_column(model: str) -> str:
    """Return the name of the column that says whether an earlier version is correct."""
    return f"{model}_correct"


def create_eval_config(
    domains: Collection[str], gate: GateOptions, table: GateTable, serving: int
) -> config_pb2.EvalConfig:
    """Return the EvalConfig of a run.

    TFMA looks at one slice at a time. So what all slices have to do with each other is in the level
    of the tests, which the gate table holds: with it, TFMA's validation fails where a row of the
    table has failed.

    Args:
        domains: Names of the domains in this run. The gate of a domain without test pictures
            fails: an untested candidate is not blessed.
        gate: Limits.
        table: What the gate found.
        serving: Version that is the baseline; 0 for none.
    """
    models = [_model_spec(CANDIDATE, example_features.PROBABILITIES)]
    metrics = [
        config_pb2.MetricConfig(class_name="ExampleCount"),
        _metric("accuracy", _floors(domains, gate, table)),
        *(_metric(name) for name in METRICS if name != "accuracy"),
        config_pb2.MetricConfig(class_name="MultiClassConfusionMatrixPlot"),
    ]
    if serving:
        models.append(_model_spec(BASELINE, correct_column(BASELINE), is_baseline=True))
        models.append(_model_spec(BEST, correct_column(BEST)))
        metrics += _change_metrics(gate, table, serving)
    return config_pb2.EvalConfig(
        model_specs=models,
        slicing_specs=[
            config_pb2.SlicingSpec(),
            config_pb2.SlicingSpec(feature_keys=[example_features.DOMAIN]),
            config_pb2.SlicingSpec(feature_keys=[example_features.DOMAIN, example_features.LABEL]),
        ],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics, model_names=[CANDIDATE])],
    )


def _model_spec(name: str, column: str, is_baseline: bool = False) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        is_baseline=is_baseline,
        label_key=example_features.LABEL_ID,
        prediction_key=column,
    )


def _floors(
    domains: Collection[str], gate: GateOptions, table: GateTable
) -> list[config_pb2.PerSliceMetricThreshold]:
    floors = [_minimum(domain, None, gate.min_accuracy) for domain in domains]
    if gate.class_min_recall is not None:
        floors += [
            _minimum(row.domain, row.label, gate.class_min_recall)
            for row in table.rows
            if row.label is not None
        ]
    return floors


def _change_metrics(
    gate: GateOptions, table: GateTable, serving: int
) -> list[config_pb2.MetricConfig]:
    """Metrics of the change, with the limits of the slices that they are gated in.

    A class whose loss could not be proven whatever its pictures were has no limit here: there may
    be many thousands of them, and TFMA compares every slice with every limit.
    """
    tested = [row for row in table.rows if row.limit is not None and not row.is_new]
    of_serving = [row for row in tested if row.version == serving]
    domain_loss = POSSIBLE_LOSS if gate.mode == NO_POSSIBLE_LOSS else PROVEN_LOSS
    losses = [
        (BASELINE, domain_loss, [row for row in of_serving if row.label is None]),
        (BEST, domain_loss, [row for row in tested if row.version != serving]),
    ]
    classes = [row for row in of_serving if row.label is not None and _can_fail(row, table)]
    if domain_loss == PROVEN_LOSS:
        losses[0][2].extend(classes)
    else:
        losses.append((BASELINE, PROVEN_LOSS, classes))
    new = [_minimum(row.domain, None, 1.0) for row in table.rows if row.is_new]
    return [
        *(_change(name, BASELINE, gate.confidence) for name in (BEFORE, LOW, HIGH)),
        _change(GAINED, BASELINE, gate.gain_confidence, limits=new),
        *(
            _change(name, model, gate.confidence, table.level, [_maximum(row) for row in rows])
            for model, name, rows in losses
        ),
    ]


def _can_fail(row: GateRow, table: GateTable) -> bool:
    return row.p_value is not None and row.p_value <= table.level


def _metric(
    name: str, limits: Iterable[config_pb2.PerSliceMetricThreshold] = ()
) -> config_pb2.MetricConfig:
    return config_pb2.MetricConfig(
        class_name="ClassifierMetric",
        module="components.evaluation.tfma.classifier_metrics",
        config=json.dumps({"name": name}),
        per_slice_thresholds=limits,
    )


def _change(
    name: str,
    model: str,
    confidence: float,
    level: float = 0.0,
    limits: Iterable[config_pb2.PerSliceMetricThreshold] = (),
) -> config_pb2.MetricConfig:
    options = {
        "name": metric_name(name, model),
        "candidate": CANDIDATE,
        "earlier": model,
        "confidence": confidence,
        "level": level,
    }
    return config_pb2.MetricConfig(
        class_name="PairedChange",
        module="components.evaluation.tfma.paired_change",
        config=json.dumps(options),
        per_slice_thresholds=limits,
    )


def _minimum(domain: str, label: str | None, least: float) -> config_pb2.PerSliceMetricThreshold:
    return _threshold(domain, label, config_pb2.GenericValueThreshold(lower_bound={"value": least}))


def _maximum(row: GateRow) -> config_pb2.PerSliceMetricThreshold:
    return _threshold(
        row.domain, row.label, config_pb2.GenericValueThreshold(upper_bound={"value": row.limit})
    )


def _threshold(
    domain: str, label: str | None, bounds: config_pb2.GenericValueThreshold
) -> config_pb2.PerSliceMetricThreshold:
    values = {example_features.DOMAIN: domain}
    if label is not None:
        values[example_features.LABEL] = label
    return config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec(feature_values=values)],
        threshold=config_pb2.MetricThreshold(value_threshold=bounds),
    )

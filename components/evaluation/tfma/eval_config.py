"""TFMA's EvalConfig of a run: slices, metrics, and what a candidate must reach to be blessed."""

import json
from collections.abc import Collection, Iterable

from tensorflow_model_analysis.proto import config_pb2

from components.evaluation.gate.gate_options import NO_POSSIBLE_LOSS, GateOptions
from components.evaluation.gate.gate_table import (
    ACCURACY,
    GateRow,
    GateTable,
    SliceRow,
)
from components.evaluation.tfma.gated_metric import (
    GATE_COLUMN,
    GATE_MODEL,
    gate_values,
    loss_metric,
)
from components.evaluation.tfma.paired_change import (
    BEFORE,
    GAINED,
    HIGH,
    LOW,
    NOT_WORSE,
    POSSIBLE_LOSS,
    PROVEN_LOSS,
    metric_name,
)
from trainer_module.contract import example_features

#: Metrics of every slice, see `classifier_metrics`.
METRICS = ("accuracy", "macro_f1", "log_loss", "ece")

#: Names of the models: the candidate, the serving version, the serving version in the domains that
#: it was trained on, the same in the classes that it knows of the other domains, and in each domain
#: the version that was best in it.
CANDIDATE = "candidate"
BASELINE = "baseline"
BASELINE_OF_KNOWN = "baseline_known"
BASELINE_OF_NEW = "baseline_new"
BEST = "best"


def correct_column(model: str) -> str:
    """Return the name of the column that says whether an earlier version is correct."""
    return f"{model}_correct"


def create_eval_config(
    domains: Collection[str],
    gate: GateOptions,
    table: GateTable,
    serving: int,
    slices: Collection[tuple[str, ...]] = (),
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
        slices: Columns of every further slice.
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
        if any(row.limit is not None for row in table.slices):
            models.append(_model_spec(BASELINE_OF_KNOWN, correct_column(BASELINE_OF_KNOWN)))
        if any(row.is_new for row in table.rows):
            models.append(_model_spec(BASELINE_OF_NEW, correct_column(BASELINE_OF_NEW)))
        metrics += _change_metrics(gate, table, serving)
    if table.metric_rows:
        models.append(_model_spec(GATE_MODEL, GATE_COLUMN))
        metrics += _gated_metrics(gate, table)
    return config_pb2.EvalConfig(
        model_specs=models,
        slicing_specs=[
            config_pb2.SlicingSpec(),
            config_pb2.SlicingSpec(feature_keys=[example_features.DOMAIN]),
            config_pb2.SlicingSpec(feature_keys=[example_features.DOMAIN, example_features.LABEL]),
            *(config_pb2.SlicingSpec(feature_keys=names) for names in slices),
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
    tested = [
        row
        for row in table.rows
        if row.metric == ACCURACY and row.limit is not None and not row.is_new
    ]
    of_serving = [row for row in tested if row.version == serving]
    domain_loss = POSSIBLE_LOSS if gate.mode == NO_POSSIBLE_LOSS else PROVEN_LOSS
    losses: list[tuple[str, str, list[GateRow | SliceRow]]] = [
        (BASELINE, domain_loss, [row for row in of_serving if row.label is None]),
        (BEST, domain_loss, [row for row in tested if row.version != serving]),
    ]
    classes: list[GateRow | SliceRow] = [
        row for row in of_serving if row.label is not None and table.is_proven(row)
    ]
    if domain_loss == PROVEN_LOSS:
        losses[0][2].extend(classes)
    else:
        losses.append((BASELINE, PROVEN_LOSS, classes))
    slices: list[GateRow | SliceRow] = [row for row in table.slices if row.limit is not None]
    if slices:
        proven = [row for row in slices if table.is_proven(row)]
        losses.append((BASELINE_OF_KNOWN, PROVEN_LOSS, proven))
    new = [_minimum(row.domain, None, 1.0) for row in table.rows if row.is_new]
    not_worse = _change(NOT_WORSE, BASELINE_OF_NEW, gate.gain_confidence, limits=new)
    return [
        *(_change(name, BASELINE, gate.confidence) for name in (BEFORE, LOW, HIGH)),
        _change(GAINED, BASELINE, gate.gain_confidence, limits=new),
        *([not_worse] if new else []),
        *(
            _change(name, model, gate.confidence, table.level, [_maximum(row) for row in rows])
            for model, name, rows in losses
        ),
    ]


def _gated_metrics(gate: GateOptions, table: GateTable) -> list[config_pb2.MetricConfig]:
    """Metrics with the values of the gate table, and the limits of the domains."""
    limits: dict[str, list[config_pb2.PerSliceMetricThreshold]] = {}
    for row in table.metric_rows:
        limits.setdefault(loss_metric(row.metric, gate), []).append(_maximum(row))
    names = list(next(iter(gate_values(table, gate).values())))
    return [
        config_pb2.MetricConfig(
            class_name="GatedMetric",
            module="components.evaluation.tfma.gated_metric",
            config=json.dumps(
                {
                    "name": name,
                    "candidate": CANDIDATE,
                    "position": position,
                    "num_values": len(names),
                }
            ),
            per_slice_thresholds=limits.get(name, []),
        )
        for position, name in enumerate(names)
    ]


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
    bounds = config_pb2.GenericValueThreshold(lower_bound={"value": least})
    return _threshold(_slice_of(domain, label), bounds)


def _maximum(row: GateRow | SliceRow) -> config_pb2.PerSliceMetricThreshold:
    bounds = config_pb2.GenericValueThreshold(upper_bound={"value": row.limit})
    if isinstance(row, SliceRow):
        return _threshold(row.values, bounds)
    return _threshold(_slice_of(row.domain, row.label), bounds)


def _slice_of(domain: str, label: str | None) -> dict[str, str]:
    if label is None:
        return {example_features.DOMAIN: domain}
    return {example_features.DOMAIN: domain, example_features.LABEL: label}


def _threshold(
    values: dict[str, str], bounds: config_pb2.GenericValueThreshold
) -> config_pb2.PerSliceMetricThreshold:
    return config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec(feature_values=values)],
        threshold=config_pb2.MetricThreshold(value_threshold=bounds),
    )

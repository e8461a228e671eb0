"""TFMA metrics with what the gate table says about the metrics in `gate.metrics`.

Their tests need all pictures of a domain at once, and the level of all slices. So TFMA does not
compute them again: every picture carries the values of its domain, as predictions of one more
model.
"""

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from tensorflow_model_analysis.metrics import metric_types, metric_util
from tensorflow_model_analysis.proto import config_pb2

from components.evaluation.gate.gate_options import NO_POSSIBLE_LOSS, GateOptions
from components.evaluation.gate.gate_table import GateTable
from components.evaluation.tfma.paired_change import HIGH, LOW, POSSIBLE_LOSS, PROVEN_LOSS

#: Name of the model, and of its column.
GATE_MODEL = "gate"
GATE_COLUMN = "gate_values"


def loss_metric(metric: str, gate: GateOptions) -> str:
    """Return the name of the TFMA metric that the limit of a metric holds for.

    Args:
        metric: Key of `gate.metrics`.
        gate: Limits.
    """
    return f"{metric}_{POSSIBLE_LOSS if gate.mode == NO_POSSIBLE_LOSS else PROVEN_LOSS}"


def gate_values(table: GateTable, gate: GateOptions) -> dict[str, dict[str, float]]:
    """Return the values of every domain with a gate, by name of the TFMA metric.

    The loss is the largest one within the interval, and 0 where a loss must be proven and is not.

    Args:
        table: What the gate found.
        gate: Limits.
    """
    domains: dict[str, dict[str, float]] = {}
    for row in table.metric_rows:
        is_loss = table.is_proven(row) or gate.mode == NO_POSSIBLE_LOSS
        values = {
            f"{row.metric}_before": row.before,
            f"{row.metric}_after": row.after,
            f"{row.metric}_{LOW}": row.change_low,
            f"{row.metric}_{HIGH}": row.change_high,
            loss_metric(row.metric, gate): row.possible_loss if is_loss else 0.0,
        }
        domains.setdefault(row.domain, {}).update(
            (name, value) for name, value in values.items() if value is not None
        )
    return domains


class GateValuesFn(beam.CombineFn):
    """Collects the values of a slice: those of its domain, or the largest of its domains."""

    def __init__(
        self,
        key: metric_types.MetricKey,
        num_values: int,
        eval_config: config_pb2.EvalConfig | None,
    ) -> None:
        """Name the model.

        Args:
            key: Key of the values; its model is the candidate.
            num_values: Number of values that every picture carries.
            eval_config: Config with the models.
        """
        self._key = key
        self._num_values = num_values
        self._eval_config = eval_config

    def create_accumulator(self) -> npt.NDArray[np.float64]:
        """Return the values of no picture."""
        return np.full(self._num_values, np.nan)

    def add_input(
        self, accumulator: npt.NDArray[np.float64], element: metric_types.StandardMetricInputs
    ) -> npt.NDArray[np.float64]:
        """Take the values of one picture; they are NaN in a domain without a gate."""
        [(_, values, _)] = metric_util.to_label_prediction_example_weight(
            element,
            eval_config=self._eval_config,
            model_name=GATE_MODEL,
            output_name=self._key.output_name,
            flatten=False,
        )
        return np.fmax(accumulator, np.asarray(values).reshape(-1))

    def merge_accumulators(
        self, accumulators: Iterable[npt.NDArray[np.float64]]
    ) -> npt.NDArray[np.float64]:
        """Return the values of the pictures of several Beam workers."""
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged = np.fmax(merged, accumulator)
        return merged

    def extract_output(
        self, accumulator: npt.NDArray[np.float64]
    ) -> dict[metric_types.MetricKey, npt.NDArray[np.float64]]:
        """Return the values for the metrics that are derived from them."""
        return {self._key: accumulator}


class GatedMetric(metric_types.Metric):
    """One of the values of the gate table, see `gate_values`."""

    def __init__(self, name: str, candidate: str, position: int, num_values: int) -> None:
        """Configure the metric.

        Args:
            name: Name of the metric.
            candidate: Name of the candidate among the models of the EvalConfig.
            position: Position of the value among those that every picture carries.
            num_values: Number of these values.
        """
        super().__init__(
            _computations,
            name=name,
            candidate=candidate,
            position=position,
            num_values=num_values,
        )


def _computations(
    name: str,
    candidate: str,
    position: int,
    num_values: int,
    eval_config: config_pb2.EvalConfig | None = None,
    output_names: Iterable[str] = ("",),
    **_: Any,
) -> metric_types.MetricComputations:
    """One collection of values per slice, and the metric derived from it."""
    [output] = output_names
    values_key = metric_types.MetricKey(
        name=f"_{GATE_COLUMN}", model_name=candidate, output_name=output
    )
    key = metric_types.MetricKey(name=name, model_name=candidate, output_name=output)

    def result(metrics: dict[metric_types.MetricKey, npt.NDArray[np.float64]]) -> dict[Any, float]:
        return {key: float(metrics[values_key][position])}

    return [
        metric_types.MetricComputation(
            keys=[values_key],
            preprocessors=None,
            combiner=GateValuesFn(values_key, num_values, eval_config),
        ),
        metric_types.DerivedMetricComputation(keys=[key], result=result),
    ]


metric_types.register_metric(GatedMetric)

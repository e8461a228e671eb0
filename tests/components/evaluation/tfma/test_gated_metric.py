import numpy as np
import pytest
from tensorflow_model_analysis.metrics import metric_types

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import GateRow, GateTable
from components.evaluation.tfma.gated_metric import GateValuesFn, gate_values

pytestmark = pytest.mark.component


def row(domain: str, metric: str, **values: object) -> GateRow:
    given = {"pictures": 9, "before": 0.3, "after": 0.5, "change_low": 0.1, "change_high": 0.4}
    given |= {"p_value": 0.001, "limit": 0.05}
    return GateRow(domain=domain, metric=metric, **(given | values))


TABLE = GateTable(
    level=0.01,
    num_tests=5,
    rows=[
        row("day", "accuracy"),
        row("day", "log_loss"),
        row("day", "macro_f1", change_low=-0.2),
        row("night", "log_loss", p_value=0.02),
        row("night", "macro_f1", change_low=-0.2, p_value=0.02),
    ],
)

LOSSES = ("log_loss_proven_loss", "macro_f1_proven_loss")


def test_a_loss_is_the_largest_one_within_the_interval_where_it_is_proven():
    values = gate_values(TABLE, GateOptions())
    assert [values["day"][name] for name in LOSSES] == [0.4, 0.2]
    assert [values["night"][name] for name in LOSSES] == [0.0, 0.0]
    assert list(values["day"]) == list(values["night"])


def test_in_the_other_mode_a_loss_needs_no_proof():
    values = gate_values(TABLE, GateOptions(mode="no_possible_loss"))
    assert values["night"]["log_loss_possible_loss"] == 0.4
    assert values["night"]["macro_f1_possible_loss"] == 0.2
    assert values["night"]["log_loss_before"] == 0.3


def test_pictures_without_values_do_not_change_those_of_a_slice():
    key = metric_types.MetricKey("values")
    fn = GateValuesFn(key, 2, None)
    unknown, known = fn.create_accumulator(), np.array([0.3, -0.1])
    merged = fn.merge_accumulators([unknown, known, unknown])
    np.testing.assert_array_equal(fn.extract_output(merged)[key], known)
    assert np.isnan(fn.merge_accumulators([unknown, unknown])).all()

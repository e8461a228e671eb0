import json

import pytest
from tensorflow_model_analysis.proto import config_pb2

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import GateRow, GateTable
from components.evaluation.tfma.classifier_metrics import METRIC_FUNCTIONS
from components.evaluation.tfma.eval_config import (
    BASELINE,
    BASELINE_OF_NEW,
    BEST,
    CANDIDATE,
    METRICS,
    correct_column,
    create_eval_config,
)
from components.evaluation.tfma.gated_metric import GATE_COLUMN

pytestmark = pytest.mark.component

GATE = GateOptions(min_accuracy=0.6, max_drop=0.02)

#: Domain, class, metric.
Key = tuple[str, str, str]


def row(domain: str, label: str | None = None, version: int = 7, **values: object) -> GateRow:
    limit = 0.02 if label is None else 0.1
    given = {"pictures": 9, "after": 0.5, "p_value": 0.001, "limit": limit} | values
    return GateRow(domain=domain, label=label, version=version, **given)


TABLE = GateTable(
    level=0.01,
    num_tests=5,
    rows=[
        row("day"),
        row("night", is_new=True, limit=0.2),
        row("day", version=3),
        row("day", "red"),
        row("day", "blue", p_value=0.02),
        row("night", "red", version=0, limit=None, p_value=None),
    ],
)


def limits(config: config_pb2.EvalConfig) -> dict[Key, tuple[str, float]]:
    """Slice and metric -> kind of the limit, and its value."""
    found = {}
    for metric in config.metrics_specs[0].metrics:
        for limit in metric.per_slice_thresholds:
            [slicing] = limit.slicing_specs
            values, bounds = slicing.feature_values, limit.threshold.value_threshold
            kind = "at least" if bounds.HasField("lower_bound") else "at most"
            bound = bounds.lower_bound if kind == "at least" else bounds.upper_bound
            key = values["domain"], values.get("label", ""), json.loads(metric.config)["name"]
            found[key] = kind, bound.value
    return found


FLOORS = {
    ("day", "", "accuracy"): ("at least", 0.6),
    ("night", "", "accuracy"): ("at least", 0.6),
}


def create(gate: GateOptions = GATE, serving: int = 7) -> config_pb2.EvalConfig:
    return create_eval_config(("day", "night"), gate, TABLE, serving)


def test_without_a_baseline_every_domain_has_a_floor():
    config = create_eval_config(
        ("day", "night"), GATE, GateTable(level=0.05, num_tests=0, rows=[]), 0
    )
    assert limits(config) == FLOORS
    assert [model.name for model in config.model_specs] == [CANDIDATE]


def test_a_known_domain_and_its_classes_may_not_lose_and_a_new_one_must_gain():
    # The loss of blue is not proven at the level of the table: it has no limit.
    assert limits(create()) == FLOORS | {
        ("day", "", "proven_loss_baseline"): ("at most", 0.02),
        ("day", "red", "proven_loss_baseline"): ("at most", 0.1),
        ("day", "", "proven_loss_best"): ("at most", 0.02),
        ("night", "", "gained_baseline"): ("at least", 1.0),
        ("night", "", "not_worse_baseline_new"): ("at least", 1.0),
    }


def test_a_gated_metric_has_a_limit_and_its_values_come_with_every_picture():
    metric = {"before": 0.3, "change_low": 0.1, "change_high": 0.4}
    table = TABLE.model_copy(
        update={
            "rows": [
                *TABLE.rows,
                row("day", metric="log_loss", limit=0.05, **metric),
                row("day", metric="macro_f1", limit=0.03, p_value=0.5, **metric),
            ]
        }
    )
    config = create_eval_config(("day", "night"), GATE, table, 7)
    gained = limits(config).items() - limits(create()).items()
    assert dict(gained) == {
        ("day", "", "log_loss_proven_loss"): ("at most", 0.05),
        ("day", "", "macro_f1_proven_loss"): ("at most", 0.03),
    }
    assert limits(create()).items() <= limits(config).items()
    assert config.model_specs[-1].prediction_key == GATE_COLUMN
    positions = [
        options["position"]
        for options in (json.loads(one.config) for one in all_metrics(config))
        if "position" in options
    ]
    assert positions == [*range(10)]


def test_in_the_other_mode_domains_may_not_even_possibly_lose():
    gate = GATE.model_copy(update={"mode": "no_possible_loss"})
    assert limits(create(gate)) == FLOORS | {
        ("day", "", "possible_loss_baseline"): ("at most", 0.02),
        ("day", "", "possible_loss_best"): ("at most", 0.02),
        ("day", "red", "proven_loss_baseline"): ("at most", 0.1),
        ("night", "", "gained_baseline"): ("at least", 1.0),
        ("night", "", "not_worse_baseline_new"): ("at least", 1.0),
    }


def test_every_class_of_the_table_has_the_floor_of_classes():
    gate = GATE.model_copy(update={"class_min_recall": 0.3})
    floors = {key: limit for key, limit in limits(create(gate)).items() if key[2] == "accuracy"}
    assert floors == FLOORS | {
        ("day", "red", "accuracy"): ("at least", 0.3),
        ("day", "blue", "accuracy"): ("at least", 0.3),
        ("night", "red", "accuracy"): ("at least", 0.3),
    }


def test_the_tests_have_the_level_of_the_table_and_the_intervals_that_of_the_options():
    options = {
        one["name"]: one
        for one in (json.loads(metric.config or "{}") for metric in all_metrics(create()))
        if "level" in one
    }
    assert options["proven_loss_baseline"]["level"] == options["proven_loss_best"]["level"] == 0.01
    assert options["change_low_baseline"]["confidence"] == 0.9
    assert options["gained_baseline"]["confidence"] == 0.8


def all_metrics(config: config_pb2.EvalConfig) -> list[config_pb2.MetricConfig]:
    [spec] = config.metrics_specs
    return [metric for metric in spec.metrics if metric.config]


def test_the_baseline_is_marked_as_one_and_every_model_reads_its_own_column():
    candidate, baseline, best, of_new = create().model_specs
    assert (candidate.name, candidate.is_baseline) == (CANDIDATE, False)
    assert (baseline.name, baseline.is_baseline) == (BASELINE, True)
    assert (best.name, best.is_baseline) == (BEST, False)
    columns = [model.prediction_key for model in (candidate, baseline, best, of_new)]
    earlier = [correct_column(model) for model in (BASELINE, BEST, BASELINE_OF_NEW)]
    assert columns == ["probabilities", *earlier]


def test_there_is_an_overall_slice_which_tfma_needs_for_a_blessing():
    slices = [tuple(s.feature_keys) for s in create().slicing_specs]
    assert slices == [(), ("domain",), ("domain", "label")]


def test_every_metric_of_the_summary_has_a_function():
    assert set(METRICS) == set(METRIC_FUNCTIONS)

"""TFMA's validation of a real evaluation fails exactly where the gate table fails."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow_model_analysis as tfma
from tiny_evaluation import BASELINE_VERSION, Evaluated, digest_of, evaluate
from tiny_models import ColourModel

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import ACCURACY, GateRow, read_gate_table
from components.evaluation.predictions.stored_predictions import SCHEMA
from components.evaluation.tfma.evaluation_results import (
    describe_slice,
    read_domain_metrics,
    read_metrics,
    read_reasons,
)
from components.evaluation.tfma.gated_metric import gate_values, loss_metric
from trainer_module.contract.model_assets import TEST_PREDICTIONS

pytestmark = pytest.mark.component

#: Both models predict the first two as red and green. The baseline does not know blue: it predicts
#: the third as red, and the candidate as blue.
RED, GREEN, BLUE = (255, 0, 0), (51, 204, 0), (51, 0, 204)

#: The baseline predicts it as green with the probability 1, and the candidate with 0.6.
UNSURE = (0, 153, 102)

#: Number of a version before the baseline, and how it classifies a picture.
EARLIER = 3
CORRECT, UNKNOWN = "correct", "unknown"

#: Domain, true class, colour, version 3, and number of pictures.
Groups = tuple[tuple[str, str, tuple[int, int, int], str, int], ...]

PROVEN: Groups = (
    # Twelve lost, and as many gained in a class that the baseline does not know.
    ("collapsed", "red", BLUE, UNKNOWN, 12),
    ("collapsed", "blue", BLUE, UNKNOWN, 12),
    ("collapsed", "red", RED, UNKNOWN, 6),
    # The baseline is no better than the candidate, but version 3 was.
    ("better once", "green", RED, CORRECT, 12),
    ("better once", "green", GREEN, CORRECT, 12),
    # Two thirds of the domain are correct, and no picture of one class.
    ("low class", "green", GREEN, UNKNOWN, 8),
    ("low class", "red", GREEN, UNKNOWN, 4),
    # Three of eight are correct.
    ("low", "green", RED, UNKNOWN, 5),
    ("low", "green", GREEN, UNKNOWN, 3),
    # The baseline does not know the domain, and the candidate classifies it no better.
    ("new", "green", RED, UNKNOWN, 1),
    ("new", "green", GREEN, UNKNOWN, 3),
    # The gain in a class that the baseline does not know hides the loss in another one.
    ("new and worse", "red", BLUE, UNKNOWN, 6),
    ("new and worse", "red", RED, UNKNOWN, 6),
    ("new and worse", "blue", BLUE, UNKNOWN, 20),
    ("fine", "green", GREEN, CORRECT, 3),
)

#: A loss of 0.1 is not ruled out by 10 pictures, and it is by 40; version 3 knows only 5 of them.
POSSIBLE: Groups = (
    ("small", "green", GREEN, UNKNOWN, 10),
    ("large", "green", GREEN, UNKNOWN, 40),
    ("few shared", "green", GREEN, CORRECT, 5),
    ("few shared", "green", GREEN, UNKNOWN, 35),
    ("unsure", "green", UNSURE, UNKNOWN, 40),
)

GATES = {
    "proven": (
        PROVEN,
        GateOptions(
            min_accuracy=0.4, class_min_recall=0.3, slices=(("scanner",), ("domain", "scanner"))
        ),
    ),
    "possible": (
        POSSIBLE,
        GateOptions(mode="no_possible_loss", max_drop=0.1, metrics={"log_loss": 0.1}),
    ),
    "fine": (
        PROVEN[-1:],
        GateOptions(metrics={"macro_f1": 0.02, "log_loss": 0.1, "calibration_error": 0.1}),
    ),
}

#: Further slices of the first case. The lost pictures of "collapsed" are from one scanner, and
#: those of the new class from another. These are not compared, as those of new domains are not.
SLICES = (("scanner",), ("domain", "scanner"), ("sex",))
SCANNERS = {PROVEN[0]: "B", PROVEN[1]: "A", PROVEN[9]: "B", PROVEN[10]: "A"}
LOST_BY_SCANNER = "scanner 'B'"
LOST_BY_BOTH = "domain 'collapsed', scanner 'B'"

#: Slice (the class is empty for a whole domain, and for further slices) -> metric whose limit is
#: not met.
Failures = dict[tuple[str, str], str]

EXPECTED: dict[str, Failures] = {
    "proven": {
        ("collapsed", ""): "proven_loss_baseline",
        ("collapsed", "red"): "proven_loss_baseline",
        ("better once", ""): "proven_loss_best",
        ("low class", "red"): "accuracy",
        ("low", ""): "accuracy",
        ("new", ""): "gained_baseline",
        ("new and worse", ""): "not_worse_baseline_new",
        (LOST_BY_SCANNER, ""): "proven_loss_baseline_known",
        (LOST_BY_BOTH, ""): "proven_loss_baseline_known",
    },
    "possible": {
        ("small", ""): "possible_loss_baseline",
        ("few shared", ""): "possible_loss_best",
        ("unsure", ""): "log_loss_possible_loss",
    },
    "fine": {},
}


@pytest.fixture(scope="module", name="evaluated", params=GATES)
def _evaluated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Evaluated]:
    """The name of a case, and its evaluation."""
    groups, gate = GATES[request.param]
    folder = tmp_path_factory.mktemp("evaluated")
    pictures = [group for group in groups for _ in range(group[4])]
    domains = tuple(dict.fromkeys(picture[0] for picture in pictures))
    if request.param == "proven":
        domains += ("missing",)
    evaluated = evaluate(
        folder,
        gate,
        domains,
        ColourModel(("green", "red")),
        known=tuple(domain for domain in domains if not domain.startswith("new")),
        earlier={EARLIER: _earlier_version(folder / "earlier", pictures)},
        pictures=tuple((domain, label, colour) for domain, label, colour, _, _ in pictures),
        slices=SLICES if request.param == "proven" else (),
        values=[
            {"scanner": SCANNERS[picture]} if picture in SCANNERS else {} for picture in pictures
        ],
    )
    return request.param, evaluated


def _earlier_version(folder: Path, pictures: list[tuple[str, str, object, str, int]]) -> Path:
    """A version of which nothing is left but its predictions."""
    rows = [
        {"content": digest_of(f"{number}.png".encode()), "label": label, "predicted": label}
        for number, (_, label, _, kind, _) in enumerate(pictures)
        if kind == CORRECT
    ]
    (folder / TEST_PREDICTIONS).parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / TEST_PREDICTIONS)
    return folder


def validation_failures(evaluated: Evaluated) -> Failures:
    """What TFMA's validation found."""
    result = tfma.load_validation_result(evaluated.evaluation.uri)
    found = {}
    for validation in result.metric_validations_per_slice:
        values = {
            key.column: key.bytes_value.decode() for key in validation.slice_key.single_slice_keys
        }
        is_domain = values.keys() <= {"domain", "label"}
        where = values["domain"] if is_domain else describe_slice(values)
        for failure in validation.failures:
            found[where, values.get("label", "")] = failure.metric_key.name
    return found


def table_failures(evaluated: Evaluated, gate: GateOptions) -> Failures:
    """What the gate table and the floors say."""
    found = {}
    table = read_gate_table(evaluated.evaluation.uri)
    for row in table.rows:
        floor = gate.class_min_recall or 0.0
        if not row.passed:
            found[row.domain, row.label or ""] = _failed_metric(row, gate)
        elif row.metric == ACCURACY and row.label and row.after < floor:
            found[row.domain, row.label] = "accuracy"
    for domain, accuracy in table.accuracies.items():
        if accuracy < gate.min_accuracy:
            found[domain, ""] = "accuracy"
    for one in table.slices:
        if not one.passed:
            found[describe_slice(one.values), ""] = "proven_loss_baseline_known"
    return found


def _failed_metric(row: GateRow, gate: GateOptions) -> str:
    if row.is_new:
        return "gained_baseline" if row.p_value > row.limit else "not_worse_baseline_new"
    if row.metric != ACCURACY:
        return loss_metric(row.metric, gate)
    is_possible = gate.mode == "no_possible_loss" and row.label is None
    model = "baseline" if row.version == BASELINE_VERSION else "best"
    return f"{'possible' if is_possible else 'proven'}_loss_{model}"


def test_validation_fails_exactly_where_the_gate_table_fails(evaluated):
    case, artifacts = evaluated
    _, gate = GATES[case]
    assert validation_failures(artifacts) == EXPECTED[case]
    assert table_failures(artifacts, gate) == EXPECTED[case]


def _where(domain: str, label: str) -> str:
    if domain in (LOST_BY_SCANNER, LOST_BY_BOTH):
        return f"{domain}: "
    return f"domain '{domain}', class '{label}': " if label else f"domain '{domain}': "


def test_there_is_a_reason_for_every_failure_and_only_then_the_model_is_not_blessed(evaluated):
    case, artifacts = evaluated
    reasons = read_reasons(artifacts.evaluation.uri, GATES[case][1])
    wheres = [_where(*key) for key in EXPECTED[case]]
    if case == "proven":
        wheres.append("domain 'missing' has no test pictures")
    assert len(reasons) == len(wheres)
    for where in wheres:
        assert [reason.startswith(where) for reason in reasons].count(True) == 1
    blessed = artifacts.blessing.get_int_custom_property("blessed")
    assert blessed == (not reasons)
    file = "BLESSED" if blessed else "NOT_BLESSED"
    assert [path.name for path in Path(artifacts.blessing.uri).iterdir()] == [file]


def test_gated_metrics_of_the_candidate_are_those_that_tfma_computes(evaluated):
    case, artifacts = evaluated
    rows = read_gate_table(artifacts.evaluation.uri).metric_rows
    measured = read_domain_metrics(artifacts.evaluation.uri)
    names = {"calibration_error": "ece"}
    gated = {(row.domain, row.metric): row.after for row in rows}
    assert gated == pytest.approx(
        {(domain, metric): measured[domain][names.get(metric, metric)] for domain, metric in gated}
    )
    assert len(gated) == {"proven": 0, "possible": 4, "fine": 3}[case]


def test_tfma_shows_what_the_gate_table_says_about_a_metric(evaluated):
    case, artifacts = evaluated
    shown = {
        record.slice_key.single_slice_keys[0].bytes_value.decode(): {
            entry.key.name: entry.value.double_value.value
            for entry in record.metric_keys_and_values
        }
        for record in tfma.load_metrics(artifacts.evaluation.uri)
        if [key.column for key in record.slice_key.single_slice_keys] == ["domain"]
    }
    table = read_gate_table(artifacts.evaluation.uri)
    for domain, values in gate_values(table, GATES[case][1]).items():
        assert {name: shown[domain][name] for name in values} == pytest.approx(values)
    assert any("log_loss_before" in values for values in shown.values()) == (case != "proven")


def test_slices_are_measured_with_all_pictures_and_compared_in_known_domains(evaluated):
    case, artifacts = evaluated
    table = read_gate_table(artifacts.evaluation.uri)
    measured = {
        tuple(sorted(key)): metrics["test_images"]
        for key, metrics in read_metrics(artifacts.evaluation.uri).items()
        if "scanner" in dict(key)
    }
    compared = {tuple(row.values.items()): (row.pictures, row.version) for row in table.slices}
    if case != "proven":
        assert (measured, compared, table.without_value) == ({}, {}, {})
        return
    assert measured == {
        (("scanner", "A"),): 15,
        (("scanner", "B"),): 13,
        (("domain", "collapsed"), ("scanner", "A")): 12,
        (("domain", "collapsed"), ("scanner", "B")): 12,
        (("domain", "new"), ("scanner", "A")): 3,
        (("domain", "new"), ("scanner", "B")): 1,
    }
    assert compared == {
        (("scanner", "A"),): (15, 0),
        (("scanner", "B"),): (12, BASELINE_VERSION),
        (("domain", "collapsed"), ("scanner", "A")): (12, 0),
        (("domain", "collapsed"), ("scanner", "B")): (12, BASELINE_VERSION),
        (("domain", "new"), ("scanner", "A")): (3, 0),
        (("domain", "new"), ("scanner", "B")): (1, 0),
    }
    total = sum(group[4] for group in PROVEN)
    assert table.without_value == {"scanner": total - 28, "sex": total}

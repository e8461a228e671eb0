"""TFMA's validation of a real evaluation fails exactly where the gate table fails."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow_model_analysis as tfma
from tiny_evaluation import BASELINE_VERSION, Evaluated, digest_of, evaluate
from tiny_models import ColourModel

from components.evaluation.gate.gate_options import GateOptions
from components.evaluation.gate.gate_table import GateRow, read_gate_table
from components.evaluation.predictions.stored_predictions import SCHEMA
from components.evaluation.tfma.evaluation_results import read_reasons
from trainer_module.contract.model_assets import TEST_PREDICTIONS

pytestmark = pytest.mark.component

#: Both models predict the first two as red and green. The baseline does not know blue: it predicts
#: the third as red, and the candidate as blue.
RED, GREEN, BLUE = (255, 0, 0), (51, 204, 0), (51, 0, 204)

#: Number of a version before the baseline, and how it classifies a picture.
EARLIER = 3
CORRECT, UNKNOWN = "correct", "unknown"

#: Domain, true class, colour, version 3, and number of pictures.
Groups = tuple[tuple[str, str, tuple[int, int, int], str, int], ...]

PROVEN: Groups = (
    # Twelve lost, and as many gained: the domain is as it was, and its class "red" collapsed.
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
    ("fine", "green", GREEN, CORRECT, 3),
)

#: A loss of 0.1 is not ruled out by 10 pictures, and it is by 40; version 3 knows only 5 of them.
POSSIBLE: Groups = (
    ("small", "green", GREEN, UNKNOWN, 10),
    ("large", "green", GREEN, UNKNOWN, 40),
    ("few shared", "green", GREEN, CORRECT, 5),
    ("few shared", "green", GREEN, UNKNOWN, 35),
)

GATES = {
    "proven": (PROVEN, GateOptions(min_accuracy=0.4, class_min_recall=0.3)),
    "possible": (POSSIBLE, GateOptions(mode="no_possible_loss", max_drop=0.1)),
    "fine": (PROVEN[-1:], GateOptions()),
}

#: Slice (the class is empty for a whole domain) -> metric whose limit is not met.
Failures = dict[tuple[str, str], str]

EXPECTED: dict[str, Failures] = {
    "proven": {
        ("collapsed", "red"): "proven_loss_baseline",
        ("better once", ""): "proven_loss_best",
        ("low class", "red"): "accuracy",
        ("low", ""): "accuracy",
        ("new", ""): "gained_baseline",
    },
    "possible": {
        ("small", ""): "possible_loss_baseline",
        ("few shared", ""): "possible_loss_best",
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
        known=tuple(domain for domain in domains if domain != "new"),
        earlier={EARLIER: _earlier_version(folder / "earlier", pictures)},
        pictures=tuple((domain, label, colour) for domain, label, colour, _, _ in pictures),
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
        for failure in validation.failures:
            found[values["domain"], values.get("label", "")] = failure.metric_key.name
    return found


def table_failures(evaluated: Evaluated, gate: GateOptions) -> Failures:
    """What the gate table and the floors say."""
    found = {}
    for row in read_gate_table(evaluated.evaluation.uri).rows:
        floor = gate.min_accuracy if row.label is None else gate.class_min_recall or 0.0
        if not row.passed:
            found[row.domain, row.label or ""] = _failed_metric(row, gate)
        elif row.after < floor:
            found[row.domain, row.label or ""] = "accuracy"
    return found


def _failed_metric(row: GateRow, gate: GateOptions) -> str:
    if row.is_new:
        return "gained_baseline"
    is_possible = gate.mode == "no_possible_loss" and row.label is None
    model = "baseline" if row.version == BASELINE_VERSION else "best"
    return f"{'possible' if is_possible else 'proven'}_loss_{model}"


def test_validation_fails_exactly_where_the_gate_table_fails(evaluated):
    case, artifacts = evaluated
    _, gate = GATES[case]
    assert validation_failures(artifacts) == EXPECTED[case]
    assert table_failures(artifacts, gate) == EXPECTED[case]


def test_there_is_a_reason_for_every_failure_and_only_then_the_model_is_not_blessed(evaluated):
    case, artifacts = evaluated
    reasons = read_reasons(artifacts.evaluation.uri, GATES[case][1])
    wheres = [
        f"domain '{domain}', class '{label}': " if label else f"domain '{domain}': "
        for domain, label in EXPECTED[case]
    ]
    if case == "proven":
        wheres.append("domain 'missing' has no test pictures")
    assert len(reasons) == len(wheres)
    for where in wheres:
        assert [reason.startswith(where) for reason in reasons].count(True) == 1
    blessed = artifacts.blessing.get_int_custom_property("blessed")
    assert blessed == (not reasons)
    file = "BLESSED" if blessed else "NOT_BLESSED"
    assert [path.name for path in Path(artifacts.blessing.uri).iterdir()] == [file]

"""The data gate after the components that TFX runs before it."""

import json
import logging
from pathlib import Path

import pytest
from tfx import types
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tiny_data import Data, in_all_splits, pictures, prepare, run_gate, serving_model

from components.data_gate.checks.duplicates import LOOKALIKES
from components.data_gate.component import DataGate
from components.data_gate.executor import read_findings
from components.data_gate.findings import KINDS, Finding
from components.data_gate.stopping import StoppedByDataError
from components.image_example_gen.component import ImageCatalog, ImageRejects
from trainer_module.contract.errors import InputError

#: The components of TFX take more than ten seconds.
pytestmark = [pytest.mark.component, pytest.mark.slow]

ODD = 'night_sky\'s "日本"'

#: Enough pictures for the gate to find nothing.
GOOD = [
    row
    for domain in ("day", ODD)
    for label in ("bird", "cat", "dog")
    for row in in_all_splits(domain, label, 15)
]

#: `GOOD` after nearly every change that the gate can find.
CHANGED = [
    # Darkened, with fewer dogs and without birds; not so dark in the test split.
    *in_all_splits("day", "cat", 40, factor=0.4),
    *pictures("day", "dog", "train", 4, factor=0.4),
    *pictures("day", "dog", "test", 160, factor=0.8),
    # New; the domain with the odd name is gone.
    *in_all_splits("fog_2", "zebra", 20, width=500),
    *pictures("fog_2", "Cat ", "train", 1, rewritten=True, colour_profile=True, more_pages=True),
    # Next to nothing, and a name that TFDV uses itself.
    *pictures("tiny", "cat", "train", 5),
    *pictures("tiny", "cat", "eval", 1, brightness=1.5),
    *pictures("All Examples", "cat", "train", 3),
    *pictures("All Examples", "owl", "test", 4, value_range="0 to 4095", blank="one colour"),
    *pictures("tiny", "ape", "train", 3),
]
REJECTS = [
    {"path": "1", "domain": "All Examples", "label": "cat", "reason": "damaged: early end"},
    {"path": "2", "domain": "All Examples", "label": "cat", "reason": "damaged: late end"},
    {"path": "3", "domain": "lost", "label": "cat", "reason": "empty file"},
    {"path": "4", "domain": "", "label": "", "reason": "not in a folder"},
]

#: One domain, one class, and nothing to choose or test on.
POOR = pictures("photo", "cat", "train", 2)

OF_DUPLICATES = {"copies", "label_conflict"} | {kind for kind in KINDS if "lookalike" in kind}

#: Tested with `checks.split_findings`, `checks.coverage_findings` and the training set of a
#: retraining.
OF_SPLITS = {"corrections", "moved_splits", "split_conflict", "unverified_domain"}

Kinds = dict[str, list[Finding]]


@pytest.fixture(name="good", scope="module")
def _good(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return prepare(tmp_path_factory.mktemp("good"), GOOD)


@pytest.fixture(name="changed", scope="module")
def _changed(tmp_path_factory: pytest.TempPathFactory) -> Data:
    return prepare(tmp_path_factory.mktemp("changed"), CHANGED, REJECTS)


@pytest.fixture(name="baseline", scope="module")
def _baseline(tmp_path_factory: pytest.TempPathFactory, good: Data) -> Artifact:
    """A model that was trained on the good data."""
    return serving_model(tmp_path_factory.mktemp("baseline"), good)


@pytest.fixture(name="found", scope="module")
def _found(tmp_path_factory: pytest.TempPathFactory, changed: Data, baseline: Artifact) -> Kinds:
    """Findings about the changed data."""
    folder = tmp_path_factory.mktemp("found")
    return by_kind(run_gate(folder, changed, baseline, [("day", "ant")]))


@pytest.fixture(name="poor", scope="module")
def _poor(tmp_path_factory: pytest.TempPathFactory) -> Kinds:
    """Findings about hardly any data, with a baseline that was pushed without statistics."""
    data = prepare(tmp_path_factory.mktemp("poor"), POOR)
    old = serving_model(tmp_path_factory.mktemp("old"), None)
    return by_kind(run_gate(tmp_path_factory.mktemp("found"), data, old))


def by_kind(folder: Path) -> Kinds:
    kinds: Kinds = {}
    for finding in read_findings(str(folder)):
        kinds.setdefault(finding.kind, []).append(finding)
    return kinds


def only(found: Kinds, kind: str) -> tuple[str, str]:
    [finding] = found[kind]
    return finding.severity, finding.text


def test_good_data_has_no_findings(tmp_path, good):
    assert by_kind(run_gate(tmp_path, good)) == {}
    assert (tmp_path / LOOKALIKES).read_text().count("\n") == 1  # its header


def test_the_training_data_of_the_serving_model_have_no_findings(tmp_path, good, baseline):
    assert by_kind(run_gate(tmp_path, good, baseline)) == {}


def test_every_kind_of_finding_is_tested_here(found, poor):
    assert found.keys() | poor.keys() == KINDS.keys() - OF_DUPLICATES - OF_SPLITS


EXPECTED = {
    "schema": (
        "error",
        "Feature 'brightness' does not match the schema: out-of-range values in eval "
        "(Unexpectedly high value: 1.5>1(upto six significant digits)).",
    ),
    "rejects": (
        "error",
        "More than 10% of the files cannot be used: domain 'All Examples' 2 of 9 (mostly: damaged) "
        "and domain 'lost' 1 of 1 (mostly: empty file).",
    ),
    "untestable_domain": (
        "error",
        "There are no test pictures in domains 'lost' and 'tiny', so no model can be blessed. "
        "Add pictures, enlarge split.test, or remove the domain.",
    ),
    "new_class": (
        "error",
        "The serving model does not know these classes: "
        "'Cat ' (1 picture), 'ape' (3 pictures), 'owl' (4 pictures) and 'zebra' (80 pictures).",
    ),
    "vanished_class": (
        "error",
        "The serving model was trained on these classes, which have no pictures now: "
        "'bird' (60 pictures).",
    ),
    "vanished_domain": (
        "error",
        "The serving model was trained on these domains, which have no pictures now: "
        f"'{ODD}' (90 pictures).",
    ),
    "small_test": (
        "warning",
        "There are fewer than 30 test pictures in domains 'All Examples' (4, each worth 0.250 of "
        "its accuracy) and 'fog_2' (20, each worth 0.050 of its accuracy). "
        "Add pictures, or enlarge split.test.",
    ),
    "tiny_class": (
        "warning",
        "There are fewer than 3 pictures of class 'Cat ' (1 picture), too few for all three "
        "splits.",
    ),
    "untrained_class": (
        "warning",
        "No model can learn class 'owl', because there are no training pictures.",
    ),
    "untested_class": (
        "warning",
        "The accuracy on class 'ape' is unknown, because there are no test pictures.",
    ),
    "empty_class": ("warning", "There is no usable picture in folders 'day/ant' and 'lost/cat'."),
    "similar_names": (
        "warning",
        "These class names look the same but count as different: 'Cat ' = 'cat'. "
        "Rename the folders.",
    ),
    "drift": (
        "warning",
        "Domain 'day' differs from the training data of the serving model: "
        "median brightness 51, training data 130; median contrast 51, training data 130; "
        "median sharpness 0.2, training data 0.51 (Jensen-Shannon divergence 0.58, limit 0.19).",
    ),
    "balance_drift": (
        "warning",
        "The class balance of domain 'day' differs from the training data of the serving model: "
        "'dog' 5%, training data 50%; 'cat' 95%, training data 50% "
        "(Jensen-Shannon divergence 0.21, limit 0.16).",
    ),
    "skew": (
        "warning",
        "Domain 'day' differs between the splits: median brightness 87 in test, 51 in train; "
        "median contrast 87 in test, 51 in train; median sharpness 0.34 in test, 0.2 in train "
        "(Jensen-Shannon divergence 0.30, limit 0.16).",
    ),
    "shift": (
        "information",
        "Domain 'day' differs from the other domains: median width 227 px, others 500 px; "
        "median brightness 51, others 128; median contrast 51, others 128.",
    ),
    "too_few_to_compare": (
        "information",
        "There are too few pictures to detect drift and skew: domain 'All Examples' with 3 "
        "pictures in train and 4 in test and 'tiny' with 8 pictures in train and 1 in eval.",
    ),
    "colour_profile": (
        "information",
        "Ignored the colour profile of 1 picture, as serving does.",
    ),
    "more_pages": (
        "information",
        "Read only the first page or frame of 1 picture.",
    ),
    "value_range": (
        "information",
        "Scaled values of more than 8 bits to 8 bits, by the largest value of each picture: domain "
        "'All Examples' from 0 to 4095 (4 pictures).",
    ),
    "rewritten": (
        "information",
        "Stored 1 picture as PNG, because TensorFlow decodes the original differently.",
    ),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_every_change_is_described_in_a_sentence(found, kind):
    assert only(found, kind) == EXPECTED[kind]


def test_blank_pictures_are_counted_per_domain(found):
    severity, text = only(found, "blank_pictures")
    assert severity == "warning"
    assert text.startswith(
        "Found 4 pictures of one colour, or with a block of one colour on one side, in "
        "'All Examples' (4). "
    )


def test_a_new_domain_is_described_by_how_it_differs_from_the_training_data(found):
    assert [(finding.severity, finding.text) for finding in found["new_domain"]] == [
        (
            "information",
            "Domain 'All Examples' is new (7 pictures): "
            "no clear difference from the training data so far.",
        ),
        (
            "information",
            "Domain 'fog_2' is new (81 pictures): median width 500 px, training data 227 px.",
        ),
        (
            "information",
            "Domain 'tiny' is new (9 pictures): no clear difference from the training data so far.",
        ),
    ]


def test_classes_that_domains_lack_are_counted_and_three_are_named(found):
    severity, text = only(found, "missing_classes")
    assert severity == "information"
    assert text.startswith("Not every domain has all classes: domain 'All Examples' lacks 4 of 6 ")
    assert "domain 'day' lacks 4 of 6 ('Cat ', 'ape', 'owl', ...)" in text


def test_the_most_severe_findings_come_first(tmp_path, changed, baseline):
    severities = [one.severity for one in read_findings(str(run_gate(tmp_path, changed, baseline)))]
    assert severities == sorted(severities, key=["error", "warning", "information"].index)


def test_one_class_one_domain_and_no_test_pictures_are_findings(poor):
    assert {kind: findings[0].severity for kind, findings in poor.items()} == {
        "empty_split": "error",
        "untestable_domain": "error",
        "one_class": "error",
        "tiny_class": "warning",
        "one_domain": "information",
        "no_baseline_statistics": "information",
    }
    assert only(poor, "empty_split")[1].startswith("There are no pictures in eval and test.")
    assert only(poor, "one_class")[1].startswith("There is only one class, 'cat'.")
    assert only(poor, "one_domain")[1].startswith("There is only one domain, 'photo'.")


def test_an_error_stops_the_run_in_one_line_and_carries_all_findings(tmp_path, changed, caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(StoppedByDataError) as stopped:
        run_gate(tmp_path, changed, stop_at="error")
    assert isinstance(stopped.value, InputError)
    assert str(stopped.value) == (
        f"{EXPECTED['schema'][1].rstrip('.')} (and 2 more). "
        "To continue anyway: --set validation.allow=[schema,rejects,untestable_domain]"
    )
    assert stopped.value.findings == read_findings(str(tmp_path))
    assert {"warning", "information"} <= {one.severity for one in stopped.value.findings}
    assert stopped.value.duplicates.pairs == []
    assert EXPECTED["rejects"][1] in caplog.text


def test_allowed_kinds_do_not_stop_the_run(tmp_path, changed):
    kinds = ("schema", "rejects", "untestable_domain")
    assert "schema" in by_kind(run_gate(tmp_path, changed, stop_at="error", allow=kinds))


def test_the_components_parameters_reach_the_executor_as_json():
    gate = DataGate(
        statistics=types.Channel(type=standard_artifacts.ExampleStatistics),
        anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
        catalog=types.Channel(type=ImageCatalog),
        rejects=types.Channel(type=ImageRejects),
        validation={"stop_at": "warning"},
        empty_classes=[("night", "cat"), ("day", "cat")],
        unverified_domains=["fog", "dusk"],
        code="code",
    )
    names = ("validation", "empty_classes", "unverified_domains")
    properties = {name: gate.exec_properties[name] for name in names}
    assert {name: json.loads(value) for name, value in properties.items()} == {
        "validation": {"stop_at": "warning"},
        "empty_classes": [["day", "cat"], ["night", "cat"]],
        "unverified_domains": ["dusk", "fog"],
    }

"""The data gate behind the components that TFX runs before it."""

import json
import logging
from pathlib import Path

import pytest
from tfx import types
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tiny_data import Data, in_all_splits, judge, pictures, prepare, serving

from components.data_gate.checks.duplicates import LOOKALIKES
from components.data_gate.component import DataGate
from components.data_gate.executor import read_findings
from components.data_gate.findings import KINDS, Finding
from components.data_gate.stopping import StoppedByDataError
from components.image_example_gen.component import ImageCatalog, ImageRejects
from trainer_module.contract.errors import InputError

ODD = 'night_sky\'s "日本"'

#: Enough for the gate to have nothing to say.
GOOD = [
    row
    for domain in ("day", ODD)
    for label in ("bird", "cat", "dog")
    for row in in_all_splits(domain, label, 15)
]

#: What becomes of `GOOD` when nearly everything happens to it that can.
CHANGED = [
    # Darkened, with fewer dogs and without birds; not so dark in the test split.
    *in_all_splits("day", "cat", 40, factor=0.4),
    *pictures("day", "dog", "train", 4, factor=0.4),
    *pictures("day", "dog", "test", 160, factor=0.8),
    # New; the domain with the odd name is gone.
    *in_all_splits("fog_2", "zebra", 20, width=500),
    *pictures("fog_2", "Cat ", "train", 1, rewritten=True, colour_profile=True),
    # Next to nothing, and a name that TFDV uses itself.
    *pictures("tiny", "cat", "train", 5),
    *pictures("tiny", "cat", "eval", 1, brightness=1.5),
    *pictures("All Examples", "cat", "train", 3),
    *pictures("All Examples", "owl", "test", 4),
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
    return serving(tmp_path_factory.mktemp("baseline"), good)


@pytest.fixture(name="found", scope="module")
def _found(tmp_path_factory: pytest.TempPathFactory, changed: Data, baseline: Artifact) -> Kinds:
    """What is found in the changed data."""
    folder = tmp_path_factory.mktemp("found")
    return by_kind(judge(folder, changed, baseline, [("day", "ant")]))


@pytest.fixture(name="poor", scope="module")
def _poor(tmp_path_factory: pytest.TempPathFactory) -> Kinds:
    """What is found in next to no data, under a model that was pushed without statistics."""
    data = prepare(tmp_path_factory.mktemp("poor"), POOR)
    old = serving(tmp_path_factory.mktemp("old"), None)
    return by_kind(judge(tmp_path_factory.mktemp("found"), data, old))


def by_kind(folder: Path) -> Kinds:
    kinds: Kinds = {}
    for finding in read_findings(str(folder)):
        kinds.setdefault(finding.kind, []).append(finding)
    return kinds


def only(found: Kinds, kind: str) -> tuple[str, str]:
    [finding] = found[kind]
    return finding.severity, finding.text


def test_of_good_data_there_is_nothing_to_say(tmp_path, good):
    assert by_kind(judge(tmp_path, good)) == {}
    assert (tmp_path / LOOKALIKES).read_text().count("\n") == 1  # its header


def test_of_what_the_serving_model_was_trained_on_there_is_nothing_to_say(tmp_path, good, baseline):
    assert by_kind(judge(tmp_path, good, baseline)) == {}


def test_every_kind_of_finding_is_found_here(found, poor):
    assert found.keys() | poor.keys() == KINDS.keys() - OF_DUPLICATES


EXPECTED = {
    "schema": (
        "error",
        "feature 'brightness': out-of-range values in eval "
        "(Unexpectedly high value: 1.5>1(upto six significant digits))",
    ),
    "rejects": (
        "error",
        "more than 10% of the files cannot be used: domain 'All Examples' 2 of 9 (mostly: damaged) "
        "and domain 'lost' 1 of 1 (mostly: empty file)",
    ),
    "untestable_domain": (
        "error",
        "no test pictures in domains 'lost' and 'tiny': no model can pass there. "
        "Add pictures, enlarge split.test, or take the domain out",
    ),
    "new_class": (
        "error",
        "classes that the model that serves does not know: "
        "'Cat ' (1 picture), 'ape' (3 pictures), 'owl' (4 pictures) and 'zebra' (80 pictures)",
    ),
    "vanished_class": (
        "error",
        "classes that the model that serves was trained on have no pictures now: "
        "'bird' (60 pictures)",
    ),
    "vanished_domain": (
        "error",
        "domains that the model that serves was trained on have no pictures now: "
        f"'{ODD}' (90 pictures)",
    ),
    "small_test": (
        "warning",
        "fewer than 30 test pictures in domain 'All Examples' (4, each worth 0.250 of its "
        "accuracy) and 'fog_2' (20, each worth 0.050 of its accuracy)",
    ),
    "tiny_class": (
        "warning",
        "fewer than 3 pictures of class 'Cat ' (1 picture): too few to train, choose and test on",
    ),
    "untrained_class": (
        "warning",
        "no training pictures of class 'owl': no model can learn that",
    ),
    "untested_class": (
        "warning",
        "no test pictures of class 'ape': nobody will know how well that works",
    ),
    "empty_class": ("warning", "no usable picture in folder 'day/ant' and 'lost/cat'"),
    "similar_names": (
        "warning",
        "class names that people take for one, but count as several: 'Cat ' = 'cat'. "
        "Rename the folders",
    ),
    "drift": (
        "warning",
        "domain 'day' drifts from the training data of the model that serves: "
        "median brightness 51, training data 130; median contrast 51, training data 130; "
        "median sharpness 0.2, training data 0.51 (distance 0.58, up to 0.19 passes)",
    ),
    "balance_drift": (
        "warning",
        "domain 'day' holds its classes in other shares than the training data of the model that "
        "serves: 'dog' 5%, training data 50%; 'cat' 95%, training data 50% "
        "(distance 0.21, up to 0.16 passes)",
    ),
    "skew": (
        "warning",
        "domain 'day' is not the same in all splits: median brightness 87 in test, 51 in train; "
        "median contrast 87 in test, 51 in train; median sharpness 0.34 in test, 0.2 in train "
        "(distance 0.30, up to 0.16 passes)",
    ),
    "shift": (
        "information",
        "domain 'day' drifts from the other domains: median width 227 px, others 500 px; "
        "median brightness 51, others 128; median contrast 51, others 128",
    ),
    "too_few_to_compare": (
        "information",
        "too small to look for drift and skew: domain 'All Examples' with 3 pictures in train and "
        "4 in test and 'tiny' with 8 pictures in train and 1 in eval",
    ),
    "colour_profile": (
        "information",
        "1 picture came with a colour profile, which is ignored, here as in serving",
    ),
    "rewritten": (
        "information",
        "1 picture stored as PNG, because TensorFlow does not read the original the same way",
    ),
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_what_changed_is_said_in_words(found, kind):
    assert only(found, kind) == EXPECTED[kind]


def test_a_new_domain_is_described_by_how_it_differs_from_the_training_data(found):
    assert [(finding.severity, finding.text) for finding in found["new_domain"]] == [
        (
            "information",
            "domain 'All Examples' is new (7 pictures): "
            "no clear difference from the training data so far",
        ),
        (
            "information",
            "domain 'fog_2' is new (81 pictures): median width 500 px, training data 227 px",
        ),
        (
            "information",
            "domain 'tiny' is new (9 pictures): no clear difference from the training data so far",
        ),
    ]


def test_classes_that_domains_lack_are_counted_and_three_are_named(found):
    severity, text = only(found, "missing_classes")
    assert severity == "information"
    assert text.startswith("not every domain has all classes: domain 'All Examples' lacks 4 of 6 ")
    assert "domain 'day' lacks 4 of 6 ('Cat ', 'ape', 'owl', ...)" in text


def test_the_most_severe_findings_come_first(tmp_path, changed, baseline):
    severities = [one.severity for one in read_findings(str(judge(tmp_path, changed, baseline)))]
    assert severities == sorted(severities, key=["error", "warning", "information"].index)


def test_data_of_one_class_and_one_domain_without_test_pictures_are_called_so(poor):
    assert {kind: findings[0].severity for kind, findings in poor.items()} == {
        "empty_split": "error",
        "untestable_domain": "error",
        "one_class": "error",
        "tiny_class": "warning",
        "one_domain": "information",
        "no_baseline_statistics": "information",
    }
    assert only(poor, "empty_split")[1].startswith("no pictures in eval and test.")
    assert only(poor, "one_class")[1].startswith("class 'cat' is the only one")
    assert only(poor, "one_domain")[1].startswith("domain 'photo' is the only one")


def test_an_error_stops_the_run_in_one_line_and_carries_all_findings(tmp_path, changed, caplog):
    caplog.set_level(logging.INFO)
    with pytest.raises(StoppedByDataError) as stopped:
        judge(tmp_path, changed, stop_at="error")
    assert isinstance(stopped.value, InputError)
    assert str(stopped.value) == (
        f"{EXPECTED['schema'][1]} (and 2 more). "
        "To go on all the same: --set validation.allow=[schema,rejects,untestable_domain]"
    )
    assert stopped.value.findings == read_findings(str(tmp_path))
    assert {"warning", "information"} <= {one.severity for one in stopped.value.findings}
    assert stopped.value.duplicates.pairs == []
    assert EXPECTED["rejects"][1] in caplog.text


def test_what_is_allowed_does_not_stop_the_run(tmp_path, changed):
    kinds = ("schema", "rejects", "untestable_domain")
    assert "schema" in by_kind(judge(tmp_path, changed, stop_at="error", allow=kinds))


def test_the_components_parameters_reach_the_executor_as_json():
    gate = DataGate(
        statistics=types.Channel(type=standard_artifacts.ExampleStatistics),
        anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
        catalog=types.Channel(type=ImageCatalog),
        rejects=types.Channel(type=ImageRejects),
        validation={"stop_at": "warning"},
        empty_classes=[("night", "cat"), ("day", "cat")],
        code="code",
    )
    properties = {name: gate.exec_properties[name] for name in ("validation", "empty_classes")}
    assert {name: json.loads(value) for name, value in properties.items()} == {
        "validation": {"stop_at": "warning"},
        "empty_classes": [["day", "cat"], ["night", "cat"]],
    }

"""The problems that the probe finds, in this process; test_serving_check.py starts a new one."""

import importlib
import io
import json
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tiny_models import ColourModel, example, save_model, write_shard

from components.serving_check import probe
from trainer_module.contract.model_assets import EXTRA, WARMUP_REQUESTS
from trainer_module.export.warmup_requests import BATCH_SIZES, write_warmup_requests

pytestmark = pytest.mark.component


@pytest.fixture(name="shard", scope="module")
def _shard(tmp_path_factory: pytest.TempPathFactory) -> str:
    colours = [(255, 0, 0), (0, 255, 0), (10, 20, 30)]
    examples = [example("day", "red", colour) for colour in colours]
    return write_shard(tmp_path_factory.mktemp("examples"), examples)


def problems_of(
    folder: Path, shard: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps([str(folder), 8, shard])))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    capsys.readouterr()
    probe.main()
    findings = json.loads(capsys.readouterr().out)
    assert findings["seconds"] > 0
    return findings["problems"]


@pytest.fixture(name="problems")
def _problems(tmp_path, shard, monkeypatch, capsys):
    """Exports a model and probes it."""

    def probed(model: ColourModel, without: str = "", warmup: bytes | None = None) -> list[str]:
        folder = save_model(tmp_path / "model", model, without)
        if warmup is not None:
            (folder / probe.WARMUP_REQUESTS).write_bytes(warmup)
        return problems_of(folder, shard, monkeypatch, capsys)

    return probed


def test_a_good_model_has_no_problems(problems):
    assert problems(ColourModel()) == []


@pytest.mark.parametrize("factor", [float("nan"), 0.9])
def test_probabilities_that_do_not_sum_to_one_are_a_problem_named_once(problems, factor):
    assert problems(ColourModel(factor=factor)) == ["probabilities do not sum to one"]


@pytest.mark.parametrize("name", ["serving_default", "serving_examples", "embed", "label_id"])
def test_a_missing_signature_is_named(problems, name):
    assert name in problems(ColourModel(), without=name)[-1]


def test_signatures_that_disagree_are_a_problem_named_once(problems):
    class Inconsistent(ColourModel):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def classify_examples(self, examples):
            result = super().classify_examples(examples)
            return result | {"probabilities": result["probabilities"][:, ::-1]}

    assert problems(Inconsistent()) == [
        "serving_default and serving_examples disagree on the same pictures"
    ]


def test_a_model_without_warm_up_requests_is_refused(tmp_path, shard, monkeypatch, capsys):
    folder = save_model(tmp_path / "model", ColourModel(), with_warmup=False)
    expected = ["the model has no warm-up requests"]
    assert problems_of(folder, shard, monkeypatch, capsys) == expected
    (folder / probe.WARMUP_REQUESTS).touch()
    assert problems_of(folder, shard, monkeypatch, capsys) == expected


def test_damaged_warm_up_requests_are_refused(problems):
    [problem] = problems(ColourModel(), warmup=bytes(100))
    assert problem.startswith("warm-up request 0 fails: DataLossError: ")


def test_warm_up_requests_that_the_model_fails_on_are_refused(tmp_path, problems):
    (tmp_path / EXTRA).mkdir()
    write_warmup_requests(tmp_path, {"serving_default": "image", "embed": "picture"})
    [problem] = problems(ColourModel(), warmup=(tmp_path / WARMUP_REQUESTS).read_bytes())
    assert problem.startswith(f"warm-up request {len(BATCH_SIZES)} fails: ")


def test_the_probe_reads_the_file_that_exports_have():
    assert probe.WARMUP_REQUESTS == WARMUP_REQUESTS


def test_a_folder_that_is_no_saved_model_is_named(tmp_path, shard, monkeypatch, capsys):
    [problem] = problems_of(tmp_path, shard, monkeypatch, capsys)
    assert str(tmp_path) in problem
    assert problem.startswith("OSError: ")


@pytest.mark.parametrize("package", ["pipeline", "components", "trainer_module"])
def test_our_packages_are_refused(package, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [probe.RefuseOurCode(), *sys.meta_path])
    monkeypatch.delitem(sys.modules, package, raising=False)
    with pytest.raises(ImportError, match=f"needs {package}, which a model server does not have"):
        importlib.import_module(package)


def test_packages_of_others_are_not_refused():
    assert probe.RefuseOurCode().find_spec("pipelines.x", None) is None


class CheckedModel(ColourModel):
    """A model with further outputs about its predictions."""

    def __init__(self, outputs: dict[str, float | bool]) -> None:
        super().__init__()
        self._outputs = outputs

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")])
    def classify(self, image):
        result = super().classify(image)
        count = tf.shape(image)[0]
        return result | {name: tf.repeat(value, count) for name, value in self._outputs.items()}


@pytest.mark.parametrize(
    ("outputs", "found"),
    [
        ({"novelty": 0.5, "accepted": True}, []),
        ({"novelty": 0.5}, ["the model has no output accepted"]),
        ({"novelty": 1.5, "accepted": True}, ["novelty is not between 0 and 1"]),
        ({"novelty": float("nan"), "accepted": True}, ["novelty is not between 0 and 1"]),
        ({"novelty": 0.5, "accepted": 1.0}, ["accepted is neither true nor false"]),
    ],
)
def test_novelty_and_acceptance_are_checked(problems, outputs, found):
    assert problems(CheckedModel(outputs)) == found

"""Backbones of keras-hub through every command, and through the steps of Kubeflow."""

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from command import QUICK, carryover, draw_pictures, newest_summary, run_arguments
from kubeflow_harness import Harness
from repository import HELPERS
from rest_client import binary
from server_process import start_server
from test_retrain import draw_batch

from trainer_module.backbones.preset_folder import CONFIG
from trainer_module.contract.model_assets import ARCHITECTURE
from trainer_module.export.model_description import read_description

pytest.importorskip("keras_hub", reason="the extra `hub` is not installed")

pytestmark = pytest.mark.slow

#: Settings of a quick run on a preset, whose pictures have 32 pixels.
SETTINGS = {
    "backbone.weights": "imagenet",
    "image_size": 32,
    "frozen.epochs": 5,
    "fine_tuning.epochs": 1,
    "fine_tuning.trainable_from": 0.5,
    "retrain.epochs": 1,
    "retrain.trainable_from": 0.5,
    "retrain.views": 1,
    "retrain.min_pictures": 10,
    "retrain.good_enough": 1,
}

#: Families of `tiny_presets` that every test has time for, and those of `make soak`.
TRANSFORMER, NETWORK = "vit", "mobilenet"
OTHERS = (
    "clip",
    "deit",
    "densenet",
    "dinov2",
    "dinov3",
    "efficientnet",
    "mit",
    "resnet",
    "siglip",
)

#: Program that saves a preset. This process must not start TensorFlow: it forks servers.
PROGRAM = """
import sys
sys.path.append(sys.argv[1])
from pathlib import Path
import keras
from tiny_presets import save_preset
keras.utils.set_random_seed(3)
save_preset(sys.argv[2], Path(sys.argv[3]))
"""


class Site(NamedTuple):
    """A folder with pictures and a preset.

    Attributes:
        folder: The folder; workspaces are in it, too.
        data: Folder of the pictures.
        preset: Folder of the preset.
    """

    folder: Path
    data: Path
    preset: Path

    @property
    def pictures(self) -> list[str]:
        """Paths of some of the pictures."""
        return [str(path) for path in sorted(self.data.glob("paper/*/00.png"))]

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of runs on the preset."""
        return QUICK | SETTINGS | {"backbone.name": f"hub:{self.preset}"}


@pytest.fixture(name="prepare")
def _prepare(tmp_path: Path, run_python: Any) -> Any:
    def prepare(family: str) -> Site:
        preset = tmp_path / "preset"
        done = run_python("-c", PROGRAM, HELPERS, family, preset)
        assert (preset / CONFIG).is_file(), done.stderr
        return Site(tmp_path, draw_pictures(tmp_path / "data", per_class=8), preset)

    return prepare


def families(always: str) -> pytest.MarkDecorator:
    """Return the parameters of a test of all families, of which one is always tested."""
    rest = sorted({TRANSFORMER, NETWORK, *OTHERS} - {always})
    others = [pytest.param(family, marks=pytest.mark.soak) for family in rest]
    return pytest.mark.parametrize("family", [always, *others])


def in_command(settings: dict[str, Any]) -> list[str]:
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def check_serving(workspace: Path, pictures: list[str]) -> None:
    """Check that predictions, responses and an export of the serving version agree."""
    done = carryover("predict", *pictures, "--json", "--workspace", str(workspace))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    with start_server(workspace) as server:
        values = [binary(Path(path).read_bytes()) for path in pictures]
        served = server.client.predict({"instances": values}).body["predictions"]
    assert [row["label"] for row in served] == [row["label"] for row in rows]
    confidences = [row["confidence"] for row in served]
    assert confidences == pytest.approx([row["confidence"] for row in rows], abs=1e-4)
    pytest.importorskip("tf2onnx")
    options = (
        "--workspace",
        str(workspace),
        "--format",
        "onnx",
        "--output",
        str(workspace / "onnx"),
    )
    done = carryover("export", *options)
    assert done.returncode == 0, done.stderr
    [report] = (workspace / "onnx").glob("*.json")
    assert json.loads(report.read_text())["all"]["agreement"] == 1


@families(TRANSFORMER)
def test_a_backbone_is_trained_and_retrained_and_then_needs_its_preset_no_more(
    prepare, family: str
) -> None:
    site = prepare(family)
    workspace = site.folder / "workspace"
    given = {key.replace(".", "__"): value for key, value in site.settings.items()}
    done = carryover(*run_arguments(site.data, workspace, **given))
    assert done.returncode == 0, done.stdout + done.stderr
    first = newest_summary(workspace)
    assert first["status"] == "pushed"

    batch = site.folder / "inbox" / "monday"
    draw_batch(batch, "mosaic", per_class=6)
    # One wrong label: a family to which the new domain is no problem must be trained on it, too.
    first_class, second_class = sorted(path for path in (batch / "mosaic").iterdir())[:2]
    next(first_class.iterdir()).rename(second_class / "wrong.png")
    folders = ("--workspace", str(workspace), "--inbox", str(site.folder / "inbox"))
    done = carryover("retrain", *folders)
    assert done.returncode in (0, 3), done.stdout + done.stderr  # pushed, or not better
    second = newest_summary(workspace)
    assert second["run_id"] != first["run_id"]
    assert second["domains"]["mosaic"]["baseline_accuracy"] is not None
    assert second["stages"]["fine_tuned"]["seconds"] > 0

    shutil.rmtree(site.preset)
    check_serving(workspace, site.pictures)


@families(NETWORK)
def test_the_steps_of_kubeflow_need_the_preset_on_the_volume_only(prepare, family: str) -> None:
    site = prepare(family)
    workspace, file = site.folder / "workspace", site.folder / "pipeline.yaml"
    settings = site.settings | {
        "kubeflow.image": "registry.example/carryover:1",
        "kubeflow.pipeline_root": "minio://bucket/carryover",
        "kubeflow.volumes": f"{{carryover: {site.folder}}}",
    }
    elsewhere = site.preset.rename(site.folder / "elsewhere")  # compiling reads no preset
    paths = ("--data", str(site.data), "--workspace", str(workspace), "--output", str(file))
    done = carryover("compile", *paths, *in_command(settings))
    assert done.returncode == 0, done.stderr
    elsewhere.rename(site.preset)

    harness = Harness(file, site.folder / "run")
    harness.run(last="Trainer")  # the later steps read its SavedModel, as with any backbone
    model = harness.artifact("Trainer", "model") / "Format-Serving"
    assert read_description(str(model))["backbone"] == f"hub:{site.preset}"
    assert (model / ARCHITECTURE).is_file()

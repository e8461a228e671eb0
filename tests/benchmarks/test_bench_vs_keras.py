"""The comparison is fair and says what it found, on figures and pictures of a few pixels."""

from pathlib import Path

import bench_vs_keras as bench
import keras
import numpy as np
import plain_keras as plain
import pytest
from tiny_pictures import solid, write_files

from trainer_module.backbones import build_backbone

pytestmark = pytest.mark.component


def result(mean: float, worst: float, seconds: float) -> bench.Result:
    domains = {"day": 2 * mean - worst, "night": worst}
    return {"domains": domains, "mean": mean, "worst": worst, "seconds": seconds}


@pytest.mark.parametrize(
    ("ours", "held"),
    [
        (result(mean=0.92, worst=0.87, seconds=59), [True, True, True]),
        (result(mean=0.91, worst=0.85, seconds=61), [False, False, False]),
        (result(mean=0.92, worst=0.85, seconds=59), [True, False, True]),
    ],
)
def test_every_limit_is_checked_by_itself(ours: bench.Result, held: list[bool]) -> None:
    limits = bench.check_limits({bench.PLAIN: result(0.9, 0.8, seconds=100), bench.OURS: ours})

    assert list(limits.values()) == held


def test_figures_are_averaged_over_seeds() -> None:
    found = bench.average([result(0.8, 0.6, 100), result(0.9, 0.8, 200)])

    assert found["domains"] == pytest.approx({"day": 1.0, "night": 0.7})
    assert found["seconds"] == 150


def test_the_list_that_is_written_is_the_list_that_is_read(tmp_path: Path) -> None:
    split = {"day/cat/a, b.png": ("day", "cat", "train"), "day/dog/c.png": ("day", "dog", "test")}

    rows = plain.read_list(bench.write_list(split, Path("pets"), tmp_path / "list.csv"))

    assert [row["path"] for row in rows["train"]] == ["pets/day/cat/a, b.png"]
    assert [row["label"] for row in rows["test"]] == ["dog"]
    assert rows["eval"] == []


def test_accuracy_is_a_mean_over_domains_not_over_pictures() -> None:
    rows = [{"domain": domain, "label": "cat"} for domain in ("day", "day", "day", "night")]

    found = plain.by_domain(rows, ["cat", "cat", "cat", "dog"])

    assert found == {"domains": {"day": 1.0, "night": 0.0}, "mean": 0.5, "worst": 0.0}


def test_pictures_come_with_the_id_of_their_class(tmp_path: Path) -> None:
    write_files(tmp_path, {"red.png": solid("red"), "blue.png": solid("blue", form="BMP")})
    rows = [{"path": f"{tmp_path}/{name}.png", "label": name} for name in ("red", "blue")]

    loaded = list(plain.load(rows, ["blue", "red"], image_size=2).as_numpy_iterator())

    assert [(image[0, 0].tolist(), label) for image, label in loaded] == [
        ([255, 0, 0], 1),
        ([0, 0, 255], 0),
    ]


def test_fine_tuning_keeps_the_statistics_of_batch_normalisation() -> None:
    backbone = build_backbone("efficientnet_lite0", image_size=32)
    model = keras.Sequential([backbone.model, keras.layers.Dense(2)])
    before = {layer.name: layer.get_weights() for layer in backbone.model.layers}
    plain.unfreeze(backbone.model, above="block14")

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, run_eagerly=True)  # compiling one step takes longer than the step
    noise = np.random.default_rng(17).uniform(0, 255, (4, 32, 32, 3))
    model.fit(noise, np.array([0, 0, 1, 0]), verbose=0)

    changed = {
        layer.name
        for layer in backbone.model.layers
        if not all(map(np.array_equal, layer.get_weights(), before[layer.name]))
    }
    assert changed == {
        "block15_expand_conv",
        "block15_depthwise_conv",
        "block15_project_conv",
        "top_conv",
    }

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from trainer_fixtures import fn_args, rows

from trainer_module.export import load_classifier, read_description
from trainer_module.training import run_fn


def test_both_stages_are_reported_and_the_better_one_answers(tmp_path):
    args = fn_args(tmp_path, {})
    run_fn(args)
    report = read_description(args.serving_model_dir)["training"]
    best = max(("frozen", "fine_tuned"), key=lambda name: report[name]["mean_domain_accuracy"])
    assert report["chosen"] == best
    assert set(report["frozen"]["domain_accuracy"]) == {"day", "night"}

    pictures = rows({"day": 20, "night": -20}, per_class=2, seed=2)
    images = tf.constant([tf.io.encode_png(row.pixels).numpy() for row in pictures])
    answer = tf.saved_model.load(args.serving_model_dir).signatures["serving_default"](image=images)
    right = [
        found.decode() == row.label
        for found, row in zip(answer["label"].numpy(), pictures, strict=True)
    ]
    assert np.mean(right) == report[best]["accuracy"]
    assert (Path(args.model_run_dir) / "tensorboard" / "frozen").is_dir()


def test_the_same_seed_gives_the_same_frozen_stage(tmp_path):
    reports = []
    for name in ("a", "b"):
        args = fn_args(tmp_path / name, {"fine_tuning": {"epochs": 0}})
        run_fn(args)
        reports.append(load_classifier(args.serving_model_dir).head.get_weights())
    for first, second in zip(*reports, strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_same_seed_gives_the_same_fine_tuned_stage(tmp_path):
    reports = []
    for name in ("a", "b"):
        args = fn_args(tmp_path / name, {})
        run_fn(args)
        reports.append(read_description(args.serving_model_dir)["training"]["fine_tuned"])
    first, second = reports
    assert first["accuracy"] == pytest.approx(second["accuracy"], abs=1e-4)
    losses = [[epoch["loss"] for epoch in report["curve"]] for report in reports]
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_training_goes_on_from_the_model_that_serves(tmp_path):
    first = fn_args(tmp_path / "a", {"fine_tuning": {"epochs": 0}})
    run_fn(first)
    description = Path(first.serving_model_dir, "assets.extra", "model.json")
    known = json.loads(description.read_text())["labels"]
    assert known == ["blue", "green", "red"]

    settings = {"fine_tuning": {"epochs": 0}, "seed": 99, "frozen": {"epochs": 1}}
    second = fn_args(tmp_path / "b", settings, base_model=first.serving_model_dir)
    run_fn(second)
    old, new = (load_classifier(args.serving_model_dir) for args in (first, second))
    assert new.labels == old.labels
    for before, after in zip(
        old.backbone.model.get_weights(), new.backbone.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(before, after)

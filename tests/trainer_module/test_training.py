import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from trainer_fixtures import SIZE, fn_args, rows, write_split

from trainer_module.classifier import build_classifier, warm_start
from trainer_module.contract.model_assets import DESCRIPTION
from trainer_module.data.transformed_examples import read_pictures
from trainer_module.export.model_description import read_description
from trainer_module.export.novelty import read_novelty
from trainer_module.export.saved_model import load_classifier
from trainer_module.hardware import set_up_hardware
from trainer_module.label_issues.label_issues import read_label_issues
from trainer_module.stages.stage_result import StageResult
from trainer_module.training import (
    _all_unlabelled_domains,
    _recipe_of_fold_models,
    run_fn,
    train_stages,
)
from trainer_module.training_options import TrainingOptions
from trainer_module.training_task import create_task

pytestmark = [pytest.mark.component, pytest.mark.usefixtures("registered")]


@pytest.fixture(scope="module")
def frozen_only(registered, tmp_path_factory) -> SimpleNamespace:
    """The `FnArgs` of a finished training without fine-tuning."""
    args = fn_args(tmp_path_factory.mktemp("frozen_only"), {"fine_tuning": {"epochs": 0}})
    run_fn(args)
    return args


def test_both_stages_are_reported_and_the_better_one_is_exported(trained):
    report = read_description(trained.serving_model_dir)["training"]
    best = report["chosen"]
    assert best in ("frozen", "fine_tuned")
    assert set(report["frozen"]["domain_accuracy"]) == {"day", "night"}
    assert report["unlabelled_domains"] == []

    pictures = rows({"day": 20, "night": -20}, per_class=2, seed=2)
    images = tf.constant([tf.io.encode_png(row.pixels).numpy() for row in pictures])
    model = tf.saved_model.load(trained.serving_model_dir)
    predicted = model.signatures["serving_default"](image=images)["label"].numpy()
    correct = [label.decode() == row.label for label, row in zip(predicted, pictures, strict=True)]
    assert np.mean(correct) == report[best]["accuracy"]
    assert (Path(trained.model_run_dir) / "tensorboard" / "frozen").is_dir()


def test_the_export_has_novelty_and_reports_accepted_predictions_per_domain(trained):
    folder = trained.serving_model_dir
    acceptance = read_description(folder)["training"]["acceptance"]
    assert acceptance["accuracy"] == 0.95
    assert set(acceptance["domains"]) == {"day", "night"}
    for domain in acceptance["domains"].values():
        assert domain["correct"] >= 0.95 * domain["accepted"]
    assert len(read_novelty(folder).means) == 6  # three classes in two domains
    known = rows({"day": 20, "night": -20}, per_class=8, seed=2)
    images = tf.constant([tf.io.encode_png(row.pixels).numpy() for row in known])
    noise = tf.io.encode_png(np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), np.uint8))
    classify = tf.saved_model.load(folder).signatures["serving_default"]
    usual, strange = classify(image=images), classify(image=tf.stack([noise]))
    assert np.median(usual["novelty"]) == pytest.approx(0.5, abs=0.1)
    assert strange["novelty"][0] > 0.95
    assert not strange["accepted"][0]


def test_the_labels_of_both_splits_are_examined(registered, tmp_path):
    args = fn_args(tmp_path, {"fine_tuning": {"epochs": 0}})
    split = rows({"day": 20, "night": -20}, 6, seed=1)
    wrong = next(row for row in split if row.label == "red")
    split[split.index(wrong)] = replace(wrong, label="blue")
    args.train_files = [write_split(tmp_path / "mislabelled", split)]
    run_fn(args)
    issues = read_label_issues(args.serving_model_dir)
    assert issues.image_ids.tolist()[0] == wrong.image_id.encode()
    assert (issues.labels[0], issues.suggested[0]) == ("blue", "red")


def test_the_same_seed_gives_the_same_frozen_stage(frozen_only, tmp_path):
    again = fn_args(tmp_path, {"fine_tuning": {"epochs": 0}})
    run_fn(again)
    heads = [load_classifier(args.serving_model_dir).head for args in (frozen_only, again)]
    for first, second in zip(*(head.get_weights() for head in heads), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_same_seed_gives_the_same_fine_tuned_stage(trained, tmp_path):
    again = fn_args(tmp_path, {})
    run_fn(again)
    folders = [args.serving_model_dir for args in (trained, again)]
    reports = [read_description(folder)["training"]["fine_tuned"] for folder in folders]
    first, second = reports
    assert first["accuracy"] == pytest.approx(second["accuracy"], abs=1e-4)
    losses = [[epoch["loss"] for epoch in report["curve"]] for report in reports]
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_fold_models_repeat_the_stage_before_the_unlabelled_pictures():
    tuned, semi = (
        StageResult(
            name, [np.full(1, number)], np.zeros((1, 2)), None, 0.0, 1, {"interpolation": 1}
        )
        for number, name in enumerate(("fine_tuned", "semi_supervised"))
    )
    assert _recipe_of_fold_models([tuned, semi], tuned) is tuned
    recipe = _recipe_of_fold_models([tuned, semi], semi)
    assert (recipe.name, recipe.weights) == ("fine_tuned", semi.weights)


def test_the_domains_of_unlabelled_pictures_are_those_of_all_trainings(tmp_path):
    unlabelled = SimpleNamespace(domains=np.array(["sketch", "fog", "sketch"], object))
    path = tmp_path / DESCRIPTION
    path.parent.mkdir()
    path.write_text(json.dumps({"training": {"unlabelled_domains": ["rain"]}}))
    assert _all_unlabelled_domains(unlabelled, str(tmp_path)) == ["fog", "rain", "sketch"]
    assert _all_unlabelled_domains(None, str(tmp_path)) == ["rain"]
    path.write_text(json.dumps({"training": {}}))  # exported before they were kept
    assert _all_unlabelled_domains(unlabelled, str(tmp_path)) == ["fog", "sketch"]
    assert _all_unlabelled_domains(None, None) == []


def test_training_starts_from_the_serving_model(frozen_only, tmp_path):
    description = Path(frozen_only.serving_model_dir, "assets.extra", "model.json")
    known = json.loads(description.read_text())["labels"]
    assert known == ["blue", "green", "red"]

    # The weights of a new backbone would depend on the seed.
    settings = {"fine_tuning": {"epochs": 0}, "seed": 99, "frozen": {"epochs": 1}}
    second = fn_args(tmp_path, settings, base_model=frozen_only.serving_model_dir)
    run_fn(second)
    old, new = (load_classifier(args.serving_model_dir) for args in (frozen_only, second))
    assert new.labels == old.labels
    for before, after in zip(
        old.backbone.model.get_weights(), new.backbone.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(before, after)


def test_fine_tuning_starts_from_the_head_of_the_serving_model(frozen_only, tmp_path):
    serving = load_classifier(frozen_only.serving_model_dir)
    # With a tiny learning rate the weights stay where fine-tuning starts.
    tuning = {"epochs": 1, "views": 1, "batch_size": 8, "learning_rate": 1e-12}
    options = TrainingOptions.model_validate(
        frozen_only.custom_config["training"] | {"fine_tuning": tuning}
    )
    task = create_task(options, set_up_hardware(), str(tmp_path))
    files = (frozen_only.train_files, frozen_only.eval_files)
    splits = [read_pictures(patterns, SIZE) for patterns in files]
    classifier = build_classifier(options.backbone, SIZE, (*serving.labels, "new"))
    warm_start(classifier, serving)
    trained = train_stages(classifier, *splits, task, warm_classes=3)
    (kernel, _), (expected, _) = classifier.head.get_weights(), serving.head.get_weights()
    np.testing.assert_allclose(kernel[:, :3], expected, atol=1e-6)
    [frozen_kernel, _] = trained.stages[0].weights[-2:]
    assert np.abs(frozen_kernel[:, :3] - expected).max() > 1e-3
    np.testing.assert_allclose(kernel[:, 3], frozen_kernel[:, 3], atol=1e-6)

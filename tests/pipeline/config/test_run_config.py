"""The config: its file, `--set`, its checks and their messages."""

from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import ValidationError
from repository import ROOT

from pipeline.config.config_file import load_config
from pipeline.config.quality_presets import PRESETS, Quality
from pipeline.config.run_config import RunConfig
from trainer_module.contract.errors import InputError
from trainer_module.training_options import ServeOptions, TrainingOptions

DATA = {"data": Path("pictures")}


def load(*overrides: str) -> RunConfig:
    return load_config(None, list(overrides), DATA)


def message_of(*overrides: str) -> str:
    with pytest.raises(InputError) as error:
        load(*overrides)
    return str(error.value)


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "run.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_the_message_about_an_unknown_key_has_a_similar_one_and_all_allowed_ones():
    assert message_of("gate.max_dropp=0.1") == (
        "config key 'gate.max_dropp' is unknown. "
        "Did you mean 'gate.max_drop'? Allowed: min_accuracy, max_drop, class_max_drop, "
        "class_min_recall, confidence, gain_confidence, mode, against, slices, metrics, precision."
    )


def test_the_message_about_an_unknown_key_without_similar_ones_has_all_allowed_ones():
    expected = "config key 'beam.zzz' is unknown. Allowed: runner, workers, options."
    assert message_of("beam.zzz=1") == expected


def test_the_message_about_an_unknown_key_in_a_file_names_the_file(tmp_path):
    path = written(tmp_path, "dta: pictures\n")
    with pytest.raises(InputError, match=r"config key '.*' is \w+ \(.*run.yaml\)") as error:
        load_config(path, [])
    assert "(1 more)" in str(error.value)  # `data` is missing, too
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("image_size=big", "image_size"),
        ("image_size=-1", "image_size"),
        ("image_size=31", "image_size"),
        ("image_size=4096", "image_size"),
        ("frozen.epochs=0", "frozen.epochs"),
        ("frozen.epochs=2.5", "frozen.epochs"),
        ("fine_tuning.label_smoothing=1", "fine_tuning.label_smoothing"),
        ("fine_tuning.trainable_from=1.5", "fine_tuning.trainable_from"),
        ("quality=good", "quality"),
        ("fine_tuning.augmentation=heavy", "fine_tuning.augmentation"),
        ("gate.min_accuracy=1.5", "gate.min_accuracy"),
        ("gate=3", "gate"),
        ("split.group_by=folder", "split.group_by"),
        ("split.test=0.9", "split"),
        ("backbone.name=resnet", "backbone.name"),
        ("backbone.name=[a]", "backbone.name"),
        ("backbone=resnet", "backbone"),
        ("name=../elsewhere", "name"),
        ("precision=float64", "precision"),
        ("beam.workers=0", "beam.workers"),
    ],
)
def test_the_message_about_a_wrong_value_is_one_line_with_key_and_value(override, key):
    message = message_of(override)
    assert message.startswith(f"config key '{key}': ")
    assert "Received: " in message
    assert "\n" not in message


def test_the_message_about_an_unknown_backbone_has_the_allowed_names():
    message = message_of("backbone.name=resnet")
    assert "or one of efficientnet_lite0, efficientnet_lite1," in message
    assert message.endswith('Received: "resnet"')


def test_only_the_metrics_that_have_a_limit_are_gated():
    assert load().gate.metrics.gated == {}
    assert load("gate.metrics={log_loss: 0.1}").gate.metrics.gated == {"log_loss": 0.1}
    assert load("gate.metrics.macro_f1=0").gate.metrics.gated == {"macro_f1": 0.0}
    assert "Did you mean 'gate.metrics.log_loss'?" in message_of("gate.metrics.logloss=0.1")


def test_shares_that_leave_nothing_to_train_on_are_refused():
    message = message_of("split.eval=0.5", "split.test=0.5")
    assert "split.eval + split.test must be below 1" in message


def test_the_message_about_missing_data_names_the_option():
    with pytest.raises(InputError) as error:
        load_config(None, [])
    assert str(error.value) == "config key 'data' is missing. Give --data DIR."


def test_set_changes_one_key_of_a_group_and_leaves_the_others():
    config = load("gate.max_drop=0.1", "fine_tuning.epochs=3")
    assert config.gate.max_drop == 0.1
    assert config.gate.min_accuracy == 0.5
    assert config.fine_tuning.epochs == 3


def test_values_win_over_set_and_set_wins_over_the_file(tmp_path):
    path = written(tmp_path, "name: file\nseed: 1\nworkspace: file\ngate: {min_accuracy: 0.3}\n")
    overrides = ["seed=2", "workspace=set", "gate.max_drop=0.5"]
    config = load_config(path, overrides, DATA | {"workspace": Path("given")})
    assert (config.name, config.seed, config.workspace) == ("file", 2, Path("given"))
    assert (config.gate.min_accuracy, config.gate.max_drop) == (0.3, 0.5)


def test_the_last_set_of_a_key_wins():
    assert load("seed=1", "seed=2").seed == 2


@pytest.mark.parametrize("override", ["image_size", "=3", ""])
def test_the_message_about_set_without_key_and_value_has_an_example(override):
    assert message_of(override) == (
        f"--set takes key=value, such as image_size=128. Received: {override}"
    )


def test_set_below_a_value_says_that_it_is_no_group():
    assert message_of("seed=1", "seed.x=3") == "--set seed.x: seed is a value, not a group of keys."


def test_set_with_broken_yaml_names_the_key():
    message = message_of("gate={min_accuracy: [")
    assert message.startswith("--set gate: the value is not valid YAML.")


def test_paths_in_a_file_are_relative_to_the_file(tmp_path):
    folder = tmp_path / "configs"
    folder.mkdir()
    config = load_config(written(folder, "data: ../pictures\nworkspace: here\n"), [])
    assert Path(config.data).resolve() == tmp_path / "pictures"
    assert config.workspace.resolve() == folder / "here"


def test_absolute_paths_and_home_in_a_file_stay_what_they_are(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    config = load_config(written(tmp_path, "data: /pictures\nworkspace: ~/work\n"), [])
    assert config.data == "/pictures"
    assert config.workspace == Path("/home/somebody/work")


def test_a_path_given_by_set_is_not_relative_to_the_file(tmp_path):
    config = load_config(written(tmp_path, "data: pictures\n"), ["data=elsewhere"])
    assert config.data == "elsewhere"


@pytest.mark.parametrize(
    ("overrides", "size"),
    [
        ([], 224),
        (["backbone.name=efficientnet_lite2"], 260),
        (["backbone.name=EfficientNetB3"], 300),
        (["backbone.name=efficientnet_lite2", "image_size=96"], 96),
    ],
)
def test_the_image_size_is_the_backbones_unless_it_is_given(overrides, size):
    assert load(*overrides).image_size == size


@pytest.mark.parametrize(
    "text", ["data: [", "\tdata: x", b"data: \xff", "!!python/object/apply:os.getcwd []"]
)
def test_a_file_that_is_not_plain_yaml_is_named_in_one_line(tmp_path, text):
    path = written(tmp_path, text)
    with pytest.raises(InputError) as error:
        load_config(path, [], DATA)
    assert str(error.value).startswith(f"config file {path} is not valid YAML: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "- data", "data"])
def test_a_file_without_keys_says_what_it_must_hold(tmp_path, text):
    path = written(tmp_path, text)
    with pytest.raises(InputError) as error:
        load_config(path, [], DATA)
    assert str(error.value) == f"config file {path} must hold `key: value` lines."


def test_a_missing_file_is_named(tmp_path):
    path = tmp_path / "run.yaml"
    with pytest.raises(InputError) as error:
        load_config(path, [])
    assert str(error.value) == (
        f"config file {path}: No such file or directory. Name an existing file."
    )


def test_a_folder_in_place_of_a_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="Is a directory"):
        load_config(tmp_path, [])


def test_a_config_cannot_be_changed():
    config = load()
    with pytest.raises(ValidationError):
        config.seed = 3
    with pytest.raises(ValidationError):
        config.gate.max_drop = 1.0


def test_the_trainer_gets_its_own_options_and_nothing_else():
    options = load("seed=5", "gate.max_drop=0.3").training()
    assert set(options) == set(TrainingOptions.model_fields)
    assert TrainingOptions.model_validate(options).seed == 5


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda p: p.name)
def test_every_config_of_the_repository_loads(path):
    config = load_config(path, [])
    assert Path(config.data).resolve().is_relative_to(ROOT)


def test_a_path_of_weights_is_relative_to_the_config_file(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("data: d\nbackbone: {weights: my.h5}\n")
    assert load_config(path, []).backbone.weights == str(tmp_path / "my.h5")


def test_the_example_config_shows_every_key_with_its_default():
    path = ROOT / "configs" / "folders.yaml"
    config = load_config(path, [])
    paths = {"data": config.data, "workspace": config.workspace}
    assert config == load_config(None, [], paths)

    shown, known = yaml.safe_load(path.read_text()), config.model_dump()
    assert set(shown) == set(known)
    for group in (
        "split",
        "backbone",
        "frozen",
        "fine_tuning",
        "serve",
        "gate",
        "beam",
        "kubeflow",
    ):
        assert set(shown[group]) == set(known[group])


def test_a_preset_changes_the_defaults_and_given_keys_win_over_it():
    best = load("quality=best", "fine_tuning.views=2")
    assert best.fine_tuning.views == 2
    assert best.fine_tuning.epochs > RunConfig(**DATA).fine_tuning.epochs
    assert best.fine_tuning.batch_size == RunConfig(**DATA).fine_tuning.batch_size


def test_the_preset_of_a_stored_config_changes_nothing_more():
    kept = load("quality=best", "fine_tuning.epochs=3").model_dump(mode="json")
    training = RunConfig.model_validate(kept).training()
    kept["serve"] = {name: kept["serve"][name] for name in ServeOptions.model_fields}
    assert training == {name: kept[name] for name in TrainingOptions.model_fields}


def test_when_a_version_serves_is_not_told_to_the_trainer():
    options = load("serve.promote=after_shadow", "serve.shadow_pictures=7")
    assert options.serve.promote == "after_shadow"
    assert options.training() == load().training()


def test_the_names_of_all_presets_are_allowed():
    assert set(PRESETS) == set(get_args(Quality))


def test_a_config_survives_json_as_steps_on_kubeflow_get_it():
    config = load("workspace=w", "retrain.inbox=deliveries", "layout=domain/class")
    assert RunConfig.model_validate_json(config.model_dump_json()) == config

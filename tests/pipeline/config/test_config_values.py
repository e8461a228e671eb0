"""Every value of a config is checked when it is loaded, and means what it looks like."""

from pathlib import Path

import pytest

from pipeline.config.config_file import load_config
from pipeline.config.run_config import RunConfig
from trainer_module.contract.errors import InputError


def value_of(config: RunConfig, key: str):
    value = config
    for part in key.split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return value


def from_set(override: str) -> RunConfig:
    given = {} if override.startswith("data=") else {"data": "pictures"}
    return load_config(None, [override], given)


def from_file(folder: Path, text: str) -> RunConfig:
    path = folder / "run.yaml"
    path.write_text(text)
    return load_config(path, [], {} if "data:" in text else {"data": "pictures"})


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("seed", "017", 17),
        ("image_size", "0140", 140),
        ("seed", "1_000", 1000),
        ("fine_tuning.epochs", "1e1", 10),
        ("fine_tuning.learning_rate", "1e-3", 0.001),
        ("warm_start", "no", False),
        ("kubeflow.caching", "off", False),
        ("retrain.unlabelled", "off", "off"),
        ("name", "no", "no"),
        ("name", "1.10", "1.10"),
        ("name", "2026-11-26", "2026-11-26"),
        ("kubeflow.env.DEBUG", "on", "on"),
        ("kubeflow.env.START", "12:30", "12:30"),
        ("retrain.window", "3", 3),
        ("fine_tuning.trainable_from", "5e-1", 0.5),
        ("fine_tuning.trainable_from", "'0.5'", 0.5),
        ("fine_tuning.trainable_from", "block2a", "block2a"),
        ("fine_tuning.trainable_from", "all", 0.0),
        ("retrain.trainable_from", "all", 0.0),
        ("retrain.inbox", "null", None),
        ("cache_memory", "null", None),
    ],
)
def test_a_value_means_what_it_looks_like_in_set_and_in_a_file(tmp_path, key, text, value):
    assert value_of(from_set(f"{key}={text}"), key) == value
    quoted = '"1.10"' if text == "1.10" else text  # in a file, 1.10 is a number
    *groups, last = key.split(".")
    inner = f"{last}: {quoted}"
    for group in reversed(groups):
        inner = f"{group}: {{{inner}}}"
    assert value_of(from_file(tmp_path, inner), key) == value


@pytest.mark.parametrize(
    "text", ["2024", "a: b", "[x]", "#1", "*x", "%x", "@x", "x #y", "&x", "{}"]
)
def test_set_takes_the_text_of_a_text_key_literally(text):
    assert from_set(f"data={text}").data == text


def test_set_takes_quotes_as_yaml_does():
    assert from_set('data=" a "').data == " a "


@pytest.mark.parametrize(
    ("override", "allowed"),
    [
        ("seed=-1", "at least 0 and at most 2147483647"),
        ("seed=1e30", "at least 0 and at most"),
        ("seed=0o17", "a whole number"),
        ("seed=12:30", "a whole number"),
        ("seed=true", "a number"),
        ("image_size=0", "at least 32 and at most 2048"),
        ("image_size=1e9", "at least 32 and at most 2048"),
        ("image_size=.nan", "a finite number"),
        ("frozen.learning_rate=nan", "a finite number"),
        ("frozen.learning_rate=0", "above 0 and at most 10"),
        ("frozen.batch_size=1e9", "at least 1 and at most 65536"),
        ("frozen.patience=0", "at least 1"),
        ("fine_tuning.epochs=-1", "at least 0"),
        ("fine_tuning.views=0", "at least 1 and at most 1000"),
        ("fine_tuning.weight_decay=inf", "a finite number"),
        ("fine_tuning.warmup=1", "at least 0 and below 1"),
        ("fine_tuning.trainable_from=true", "a number"),
        (
            "fine_tuning.trainable_from='1.5'",
            "a share between 0 and 1, `all`, or the name of a block",
        ),
        ("objective.coral_weight=.inf", "a finite number"),
        ("cache_memory=-5", "at least 0"),
        ("gate.max_drop=nan", "a finite number"),
        ("gate.confidence=1", "above 0 and below 1"),
        ("validation.max_rejected=true", "a number"),
        ("validation.allow=new_class", "a list, such as [a, b]"),
        ("retrain.window=-1", "all, or from 0 to 1000000000"),
        ("retrain.window=some", "a whole number or 'all'"),
        ("retrain.quiet_seconds=-0.5", "at least 0"),
        ("retrain.quiet_seconds=.inf", "a finite number"),
        ("retrain.poll_seconds=0", "at least 0.1"),
        ("retrain.epochs=0", "at least 1"),
        ("retrain.inbox=s3://bucket/in", "a local path, not a URI"),
        ("notify.command=notify-send", "a list, such as [a, b]"),
        ("notify.command=['']", "must not be empty"),
        ("notify.command=[say, 5]", "text; put it in quotes"),
        ("slices=[scanner, 1e3]", "text; put it in quotes"),
        ("gate.slices=[true]", "text; put it in quotes"),
        ("slices=5", "a list, such as [a, b]"),
        ("beam.workers=1e9", "auto, or from 1 to 1024"),
        ("beam.workers=two", "a whole number or 'auto'"),
        ("beam.options={streaming: yes}", "Write true or false"),
        ("backbone.weights=gs://bucket/w.h5", "the path of a local file"),
        ("backbone.weights= ", "must not be empty"),
        ("kubeflow.cpu={Trainer: true}", "a number"),
        ("kubeflow.env={PORT: 8080}", "text; put it in quotes"),
        ("kubeflow.gpu_count=-1", "at least 0"),
        ("name=", "1 to 64 letters"),
        ("name=a/b", "1 to 64 letters"),
        ("name=.hidden", "1 to 64 letters"),
        ("data=", "must not be empty"),
        ("data=  ", "must not be empty"),
        ("workspace=", "must not be empty"),
        ("workspace=gs://bucket/w", "a local path, not a URI"),
        ("gate=", "a group of keys"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_in_a_line_with_key_value_and_rule(
    override, allowed
):
    with pytest.raises(InputError) as error:
        from_set(override)
    key = override.split("=")[0]
    message = str(error.value)
    assert message.startswith(f"config key '{key}")
    assert allowed in message
    assert "Received: " in message
    assert "\n" not in message


@pytest.mark.parametrize("key", ["data", "workspace"])
@pytest.mark.parametrize("text", ['""', '"  "', ""])
def test_an_empty_path_in_a_file_is_not_the_folder_of_the_file(tmp_path, key, text):
    with pytest.raises(InputError, match=f"config key '{key}': must not be empty.*line 1 of"):
        from_file(tmp_path, f"{key}: {text}\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name: x\nseed: -1\n", 2),
        ("gate:\n  max_drop: 0.1\n  min_accuracy: 7\n", 3),
        ("split: {eval: 0.6,\n  test: 0.6}\n", 1),
        ("kubeflow:\n  cpu:\n    Trainer: x\n", 3),
        ("nmae: x\n", 1),
        ("gate:\n  max_drp: 1\n", 2),
    ],
)
def test_a_message_about_a_file_names_the_line(tmp_path, text, line):
    with pytest.raises(InputError) as error:
        from_file(tmp_path, text)
    assert f"(line {line} of {tmp_path / 'run.yaml'})" in str(error.value)


def test_a_message_about_set_does_not_blame_the_file(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("seed: 5\n")
    with pytest.raises(InputError) as error:
        load_config(path, ["seed=-1"], {"data": "pictures"})
    assert "run.yaml" not in str(error.value)


@pytest.mark.parametrize("text", ["fine_tuning: {epochs: 3}\nfine_tuning: {views: 1}\n"])
def test_a_key_that_is_there_twice_is_an_input_error_that_names_the_file(tmp_path, text):
    with pytest.raises(InputError) as error:
        from_file(tmp_path, text)
    assert str(error.value) == (
        f"config file {tmp_path / 'run.yaml'} is not valid YAML: line 2: key 'fine_tuning' is "
        "there twice, in lines 1 and 2. Leave one out."
    )


def test_a_key_that_is_there_twice_in_a_set_is_an_input_error():
    with pytest.raises(InputError, match=r"--set gate: .* key 'max_drop' is there twice"):
        from_set("gate={max_drop: 0.1, max_drop: 0.2}")


def test_a_tilde_in_a_file_asks_for_null_or_quotes(tmp_path):
    with pytest.raises(InputError) as error:
        from_file(tmp_path, "name: x\nworkspace: ~\n")
    assert str(error.value) == (
        f'config file {tmp_path / "run.yaml"}, line 2: ~ is no value in YAML. Write null, or "~" '
        "in quotes for the home folder."
    )


def test_a_set_of_a_group_does_not_drop_a_set_of_its_key():
    given = ["gate.max_drop=0.1", "gate={min_accuracy: 0.3}"]
    with pytest.raises(InputError) as error:
        load_config(None, given, {"data": "d"})
    assert str(error.value) == "--set gate: it replaces --set gate.max_drop. Give only one."
    gate = load_config(None, given[::-1], {"data": "d"}).gate
    assert (gate.max_drop, gate.min_accuracy) == (0.1, 0.3)


@pytest.mark.parametrize("text", ["gate:\n", "gate:\n  # max_drop: 1\n", "kubeflow: {env: }\n"])
def test_a_group_without_keys_has_its_defaults(tmp_path, text):
    assert from_file(tmp_path, text) == from_file(tmp_path, "seed: 17\n")


def test_a_preset_applies_to_an_empty_group(tmp_path):
    assert from_file(tmp_path, "quality: fast\nfine_tuning:\n").fine_tuning.epochs == 3


@pytest.mark.parametrize(
    ("name", "size", "smallest"),
    [("Xception", 64, 71), ("InceptionV3", 74, 75), ("InceptionResNetV2", 32, 75)],
)
def test_an_image_size_that_the_backbone_cannot_process_is_refused(name, size, smallest):
    with pytest.raises(InputError) as error:
        load_config(None, [f"backbone.name={name}", f"image_size={size}"], {"data": "d"})
    assert str(error.value) == (
        f"config: image_size {size} is below {smallest}, the smallest that the backbone {name} can "
        "process"
    )


@pytest.mark.parametrize("key", ["data", "workspace", "retrain.inbox", "backbone.weights"])
def test_home_is_expanded_in_every_path_key(tmp_path, monkeypatch, key):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert str(value_of(from_set(f"{key}=~/x"), key)) == "/home/somebody/x"
    *groups, last = key.split(".")
    text = f"{last}: ~/x" if not groups else f"{groups[0]}: {{{last}: ~/x}}"
    assert str(value_of(from_file(tmp_path, text), key)) == "/home/somebody/x"


def test_the_loader_is_a_name_of_the_package():
    import pipeline.config

    assert pipeline.config.load_config is load_config


def test_the_inbox_of_a_file_is_relative_to_the_file(tmp_path):
    assert from_file(tmp_path, "retrain: {inbox: in}").retrain.inbox == tmp_path / "in"


def test_a_file_uri_is_a_local_path():
    assert from_set("data=file:///my%20pictures").data == "/my pictures"
    assert from_set("data=gs://bucket/m.csv").data == "gs://bucket/m.csv"


@pytest.mark.parametrize("key", ["nope", "nope.x", "nope.x.y", "gate.nope", "retrain.nope"])
def test_an_unknown_key_of_an_option_is_not_blamed_on_the_file(tmp_path, key):
    path = tmp_path / "run.yaml"
    path.write_text("data: pictures\nretrain:\n  epochs: 2\n")
    with pytest.raises(InputError, match="is unknown") as error:
        load_config(path, [f"{key}=1"])
    assert str(path) not in str(error.value)
    path.write_text("data: pictures\nnope: 1\n")
    with pytest.raises(InputError, match=r"key 'nope' is unknown \(line 2 of .*run.yaml\)"):
        load_config(path, ["seed=1"])

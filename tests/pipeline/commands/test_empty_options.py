"""Empty paths on the command line, such as those of variables that are not set."""

import pytest


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["run", "--data", "d", "-w", ""], "--workspace"),
        (["inspect", "--workspace=", "--data", "d"], "--workspace"),
        (["retrain", "--inbox", " "], "--inbox"),
        (["run", "--config", "", "--data", "d"], "--config"),
        (["export", "--format", "onnx", "-o", ""], "--output"),
        (["versions", "-w", "\t"], "--workspace"),
        (["label", ""], "DIR"),
        (["predict", "a.png", ""], "IMAGE"),
        (["manifest", "", "-o", "out.csv"], "EXPORT"),
    ],
)
def test_an_empty_path_is_refused_by_its_name(run_python, words, name):
    done = run_python("-m", "pipeline.cli", *words)
    assert done.returncode == 2
    assert done.stderr == (f"carryover: {name} has an empty value. Give a path, or leave it out.\n")


def test_set_without_a_key_has_a_message_of_its_own(run_python):
    done = run_python("-m", "pipeline.cli", "run", "--data", "d", "--set", "")
    assert "--set takes key=value" in done.stderr


def test_an_empty_text_is_refused_by_its_config_key(run_python):
    done = run_python("-m", "pipeline.cli", "run", "--data", "")
    assert done.stderr == "carryover: config key 'data': must not be empty. Received: \"\"\n"

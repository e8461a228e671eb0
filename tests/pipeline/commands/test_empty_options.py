import pytest


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["run", "--data", "d", "-w", ""], "-w"),
        (["inspect", "--workspace=", "--data", "d"], "--workspace"),
        (["retrain", "--inbox", " "], "--inbox"),
        (["run", "--config", "", "--data", "d"], "--config"),
        (["export", "--format", "onnx", "-o", ""], "-o"),
        (["versions", "-w", "\t"], "-w"),
    ],
)
def test_an_empty_path_is_refused_by_its_name(run_python, words, option):
    done = run_python("-m", "pipeline.cli", *words)
    assert done.returncode == 2
    assert done.stderr == (
        f"carryover: {option} has an empty value. Give a path, or leave it out.\n"
    )


def test_set_without_a_key_has_a_message_of_its_own(run_python):
    done = run_python("-m", "pipeline.cli", "run", "--data", "d", "--set", "")
    assert "--set takes key=value" in done.stderr


def test_an_empty_text_is_refused_by_its_config_key(run_python):
    done = run_python("-m", "pipeline.cli", "run", "--data", "")
    assert done.stderr == "carryover: config key 'data': must not be empty. Received: \"\"\n"

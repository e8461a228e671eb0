"""The config in the folder of a run, without credentials, and its return."""

import shutil
import stat

import pytest

from pipeline.config.config_file import load_config
from pipeline.config.stored_config import LASTING_FILE, describe_dropped
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError, UnavailableError

SETTINGS = (
    "kubeflow.env={TOKEN: hunter2, DIGITS: '12'}",
    "kubeflow.secrets={B: store/hunter2}",
    "beam.runner=portable",
    "beam.options={job_endpoint: 'a:1', environment_type: LOOPBACK, s3_session_token: hunter2}",
    "notify.command=[curl, 'https://host/hunter2']",
)


@pytest.fixture(name="stored")
def _stored(tmp_path):
    """The config and the folder of a run."""
    config = load_config(None, [*SETTINGS], {"data": "/data", "workspace": tmp_path / "w"})
    workspace = Workspace(tmp_path / "w")
    return config, workspace.runs / workspace.new_run(config)


def test_the_config_of_a_run_is_masked_and_its_credentials_are_for_its_owner_only(stored):
    _, folder = stored
    assert "hunter2" not in (folder / "config.yaml").read_text()
    secrets = folder / "secrets.yaml"
    assert "hunter2" in secrets.read_text()
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    assert "flink" not in secrets.read_text()
    assert sorted(path.name for path in folder.iterdir()) == ["config.yaml", "secrets.yaml"]


def test_a_later_command_reads_the_true_config(stored):
    config, folder = stored
    assert load_config(folder / "config.yaml", []) == config


def test_a_change_of_a_key_wins_over_the_credential(stored):
    _, folder = stored
    config = load_config(folder / "config.yaml", ["notify.command=[echo]"])
    assert config.notify.command == ("echo",)
    text = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(text.replace("DIGITS: (masked)", "DIGITS: '34'"))
    assert load_config(folder / "config.yaml", []).kubeflow.env["DIGITS"] == "34"


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        ([], "beam.options.s3_session_token"),
        (["beam.options.s3_session_token=a"], "notify.command"),
        (["beam.options.s3_session_token=a", "notify.command=[]"], "kubeflow.env.TOKEN"),
    ],
)
def test_a_masked_value_is_never_used(stored, tmp_path, overrides, key):
    _, folder = stored
    shutil.copy(folder / "config.yaml", tmp_path / "copy.yaml")
    with pytest.raises(InputError) as error:
        load_config(tmp_path / "copy.yaml", overrides)
    assert str(error.value) == (
        f"config key '{key}' is masked: (masked). Its value is in secrets.yaml in the folder of "
        f"the run. Give it again, for example with --set {key}=..."
    )


@pytest.mark.parametrize(("content", "words"), [(b"a: [", "line 1"), (None, "Is a directory")])
def test_an_unreadable_file_of_credentials_is_one_line(stored, content, words):
    _, folder = stored
    (folder / "secrets.yaml").unlink()
    if content is None:
        (folder / "secrets.yaml").mkdir()
    else:
        (folder / "secrets.yaml").write_bytes(content)
    with pytest.raises(InputError, match=rf"secrets\.yaml.*{words}"):
        load_config(folder / "config.yaml", [])


def test_a_config_without_credentials_is_one_file(tmp_path):
    workspace = Workspace(tmp_path)
    config = load_config(None, [], {"data": "/data", "workspace": tmp_path})
    folder = workspace.runs / workspace.new_run(config)
    assert [path.name for path in folder.iterdir()] == ["config.yaml"]


@pytest.mark.parametrize(
    "override",
    [
        "kubeflow.env={TOKEN: {a: hunter2}}",
        "kubeflow.secrets={TOKEN: hunter2}",
        "beam.options={s3_session_token: [hunter2]}",
        "beam={options: {s3_session_token: hunter2}, workers: -1}",
        "notify.command={a: hunter2}",
        "kubeflow.env=[hunter2",
    ],
)
def test_a_mistake_shows_no_credential(override):
    with pytest.raises(InputError) as error:
        load_config(None, [override], {"data": "d"})
    assert "hunter2" not in str(error.value)


def one_run(tmp_path, text, *overrides):
    """Return the config of a run with a file and `--set`, and the path of its `config.yaml`."""
    (tmp_path / "given.yaml").write_text(text)
    values = {"data": "/data", "workspace": tmp_path / "w"}
    config = load_config(tmp_path / "given.yaml", list(overrides), values)
    workspace = Workspace(tmp_path / "w")
    return config, workspace.config_file(workspace.new_run(config))


def test_gates_and_the_disk_check_that_set_changed_hold_for_one_run(
    tmp_path,
):
    text = "gate: {max_drop: 0.01, class_max_drop: 0.2}\n"
    changes = ("gate.max_drop=0.5", "validation.allow=[rejects]", "check_disk=false", "seed=5")
    config, path = one_run(tmp_path, text, *changes)
    assert load_config(path, []) == config  # also for --resume, and in what it keeps
    later = load_config(path, [], is_inherited=True)
    assert (later.gate.max_drop, later.gate.class_max_drop) == (0.01, 0.2)
    assert later.validation.allow == ()
    assert later.check_disk
    assert (later.seed, later.lasting) == (5, {})
    assert describe_dropped(path, later) == (
        'check_disk is true, not false, validation.allow is [], not ["rejects"], '
        f"gate.max_drop is 0.01, not 0.5: what --set changed held for run {path.parent.name} only. "
        "Give it again, or in a file with --config FILE, where it shall hold for this pass."
    )


def test_gates_that_are_set_again_hold_for_one_run_again(tmp_path):
    _, path = one_run(tmp_path, "gate: {max_drop: 0.01}\n", "gate={max_drop: 0.5}")
    again = load_config(path, ["gate.max_drop=0.5"], is_inherited=True)
    assert again.gate.max_drop == 0.5
    assert describe_dropped(path, again) == ""
    workspace = Workspace(tmp_path / "w")
    path = workspace.config_file(workspace.new_run(again))
    assert load_config(path, [], is_inherited=True).gate.max_drop == 0.01


def test_a_disk_check_that_the_file_switches_off_is_inherited(tmp_path):
    _, path = one_run(tmp_path, "check_disk: false\n", "seed=5")
    assert not load_config(path, [], is_inherited=True).check_disk


def test_gates_of_a_file_are_inherited(tmp_path):
    _, path = one_run(tmp_path, "gate: {max_drop: 0.01}\n", "gate.max_drop=0.01", "seed=5")
    assert not path.with_name(LASTING_FILE).exists()
    later = load_config(path, [], is_inherited=True)
    assert (later.gate.max_drop, describe_dropped(path, later)) == (0.01, "")


def test_a_file_that_is_valid_with_the_changes_only_is_inherited_with_them(tmp_path):
    text = "slices: [scanner]\ngate: {slices: [ward]}\n"
    _, path = one_run(tmp_path, text, "gate.slices=[scanner]")
    assert load_config(path, [], is_inherited=True).gate.slices == (("scanner",),)


@pytest.mark.parametrize("content", ["", "gate: [", "seed: 1\n", "[]\n"])
def test_damaged_lasting_groups_are_named(tmp_path, content):
    _, path = one_run(tmp_path, "{}\n", "gate.max_drop=0.5")
    path.with_name(LASTING_FILE).write_text(content)
    with pytest.raises(UnavailableError, match=r"config .*lasting\.yaml .*--config FILE"):
        load_config(path, [], is_inherited=True)

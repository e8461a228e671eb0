"""Paths of a config that would be read as something else, or do not exist."""

import re
import subprocess
from pathlib import Path

import pytest
from strange_names import LITERAL, NOT_UTF8, PATTERNS

from pipeline.config.config_file import load_config
from pipeline.config.path_check import (
    check_data,
    check_inbox,
    check_weights,
    check_workspace,
    folder_problem,
    inbox_remedy,
)
from pipeline.config.run_config import RunConfig
from trainer_module.contract.errors import InputError


def config_of(folder: Path, inbox: str, data: str = "data") -> RunConfig:
    values = {
        "data": data if "://" in data else str(folder / data),
        "workspace": folder / "workspace",
        "retrain.inbox": folder / inbox,
    }
    return load_config(None, [], values).resolved()


@pytest.mark.parametrize(
    ("inbox", "problem"),
    [
        ("workspace", "is the workspace, too"),
        ("workspace/batches/in", "is inside the workspace"),
        (".", "holds the workspace"),
        ("data", "is the data folder"),
        ("data/new/today", "is inside the data folder"),
        ("link", "is the data folder"),
    ],
)
def test_an_inbox_that_would_be_read_as_something_else_is_refused(tmp_path, inbox, problem):
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    with pytest.raises(InputError) as error:
        check_inbox(config_of(tmp_path, inbox))
    assert str(error.value).startswith("config key 'retrain.inbox': ")
    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("inbox", "data"),
    [("inbox", "data"), ("data-new", "data"), ("data", "data/m.csv"), ("in", "gs://b/m.csv")],
)
def test_an_inbox_of_its_own_is_accepted(tmp_path, inbox, data):
    check_inbox(config_of(tmp_path, inbox, data))


@pytest.mark.parametrize(
    "name",
    [
        "in",
        "a/b",
        "-x",
        "--help",
        "it's new",
        "link",
        "link/in",
        "to-link",
        "../here/in",
    ],
)
def test_the_command_for_a_missing_inbox_makes_it_a_folder(tmp_path, monkeypatch, name):
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "disk" / "-my inbox")
    (folder / "to-link").symlink_to("link")
    monkeypatch.chdir(folder)
    problem = folder_problem(name)
    assert problem == "does not exist"
    remedy = inbox_remedy(Path(name), problem)
    [command] = re.findall(r"^Create it \((mkdir -p .+)\), mount its disk, or give ", remedy)
    subprocess.run(["/bin/sh", "-c", command], check=True)
    assert folder_problem(name) == ""


@pytest.mark.parametrize("name", ["file/in", "link/in", "file/deep/in"])
def test_no_command_makes_a_folder_below_a_file(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    inbox = tmp_path / name
    remedy = inbox_remedy(inbox, folder_problem(inbox))
    assert remedy == "Give the folder in which batches arrive with --inbox DIR."


def test_a_path_that_no_file_can_have_cannot_be_read():
    assert folder_problem("a\0b").startswith("cannot be read: ")


def test_weights_must_be_a_file(tmp_path):
    (tmp_path / "w.h5").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    for name, problem in {"none.h5": "does not exist", "folder": "is a folder"}.items():
        config = load_config(None, [f"backbone.weights={tmp_path / name}"], {"data": "d"})
        with pytest.raises(InputError) as error:
            check_weights(config)
        assert str(error.value) == (
            f"config key 'backbone.weights': {tmp_path / name} {problem}. Give imagenet, none, or "
            "the path of a weights file."
        )
    for weights in (tmp_path / "w.h5", "imagenet", "none"):
        check_weights(load_config(None, [f"backbone.weights={weights}"], {"data": "d"}))


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("below", ["", "deep/workspace"])
def test_a_workspace_that_is_a_file_pattern_is_refused(tmp_path, name, below):
    workspace = tmp_path / name / below
    with pytest.raises(InputError) as error:
        check_workspace(workspace)
    [character] = {char for char in "[*?\\" if char in name}
    assert str(error.value) == (
        f"workspace {workspace}: its path holds the character {character} and TensorFlow takes it "
        "for a file pattern. Rename the folder, or give another workspace with --workspace DIR."
    )


@pytest.mark.parametrize("name", LITERAL)
def test_a_workspace_with_any_other_name_is_accepted(tmp_path, name):
    check_workspace(tmp_path / name / "workspace")


@pytest.mark.parametrize("name", [*LITERAL, *PATTERNS])
def test_data_and_an_inbox_with_any_name_are_accepted(tmp_path, name):
    config = config_of(tmp_path, f"inbox/{name}", f"data/{name}")
    check_data(config)
    check_inbox(config)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (NOT_UTF8, "the byte 0xe9, which is not UTF-8"),
        ("n" * 256, "a name of 256 bytes; a file system allows 255"),
        ("\u00e9" * 128, "a name of 256 bytes; a file system allows 255"),
    ],
)
def test_a_path_that_cannot_be_recorded_is_refused(tmp_path, name, problem):
    shown = name.replace(NOT_UTF8, "latin\\udce9")
    with pytest.raises(InputError) as error:
        check_workspace(tmp_path / name)
    assert str(error.value) == (
        f"workspace {tmp_path}/{shown}: its path holds {problem}. Rename the folder, or give "
        "another workspace with --workspace DIR."
    )
    with pytest.raises(InputError) as error:
        check_data(config_of(tmp_path, "inbox", name))
    assert str(error.value) == (
        f"data {tmp_path}/{shown}: its path holds {problem}. Rename it, and give its new path "
        "with --data."
    )


@pytest.mark.parametrize(
    "uri", ["gs://b/[x]/m.csv", "s3://b/a%20b#c.csv", f"gs://b/{'n' * 300}.csv"]
)
def test_a_uri_of_data_may_hold_any_character(tmp_path, uri):
    check_data(config_of(tmp_path, "inbox", uri))


@pytest.mark.parametrize("uri", ["s3://me:hunter2@host/a", "gs://b/a.csv?X-Goog-Signature=hunter2"])
def test_a_uri_of_data_with_a_credential_is_refused_without_showing_it(tmp_path, uri):
    with pytest.raises(InputError, match="holds a credential, which would be kept") as error:
        check_data(config_of(tmp_path, "inbox", uri))
    assert "hunter2" not in str(error.value)

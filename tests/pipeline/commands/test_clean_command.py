"""`carryover clean` on the command line."""

from pathlib import Path

import pytest
import yaml
from old_workspace import OldWorkspace
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.commands.clean_command import DEFAULT_KEEP
from trainer_module.contract.errors import InputError


@pytest.fixture(name="old")
def _old(tmp_path: Path) -> OldWorkspace:
    old = OldWorkspace(tmp_path / "workspace")
    old.add_runs(7)
    return old


def clean(folder: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["clean", "--workspace", str(folder), *arguments])
    if done.exception:
        raise done.exception
    return done.output


def test_the_table_says_what_was_removed_and_which_versions_stay(old):
    output = clean(old.workspace.root, "--keep", "3")
    assert old.store.versions() == [5, 6, 7]
    rows = [line.split() for line in output.splitlines()]
    assert ["removed", "number", "size"] in rows
    assert [row[:2] for row in rows if row[:1] == ["versions"]] == [["versions", "4"]]
    assert "model 'shapes': versions 5, 6, 7 stay" in output
    assert f"{old.workspace.root}: removed " in output
    assert "nothing to remove" in clean(old.workspace.root, "--keep", "3")


def test_a_dry_run_changes_nothing(old):
    files = {name: size for name, size in old.files().items() if not name.startswith("logs/")}
    output = clean(old.workspace.root, "--keep", "2", "--dry-run")
    assert "to remove" in output
    assert f"{old.workspace.root}: would remove " in output
    assert " KB (dry run: nothing was changed)\n" in output
    assert files.items() <= old.files().items()


def test_what_frees_no_disk_is_told_in_words(old):
    (old.workspace.artifacts / "Trainer" / ".system" / "executor_execution" / "3").mkdir(
        parents=True
    )
    output = clean(old.workspace.root, "--keep", "2", "--dry-run")
    rows = [line.strip().rsplit(None, 2) for line in output.splitlines()]
    sizes = {row[0]: row[2] for row in rows if len(row) == 3}
    assert sizes["working folders"] == "empty"
    assert sizes["executions in ML Metadata"] == "reused"
    assert "Later executions use the room that these leave in metadata.sqlite." in output


def test_empty_folders_alone_are_told_in_words(old):
    clean(old.workspace.root, "--keep", "2")
    old.workspace.artifacts.joinpath("Trainer/.system/executor_execution/3").mkdir(parents=True)
    output = clean(old.workspace.root, "--keep", "2")
    assert output.endswith(f"{old.workspace.root}: removed nothing but empty folders\n")


def test_without_keep_the_config_of_the_serving_version_counts(old):
    config = old.workspace.config_file(old.runs[-1])
    values = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump(values | {"retention": {"keep": 6}}))
    clean(old.workspace.root)
    assert len(old.store.versions()) == 6
    config.write_text(yaml.safe_dump(values))
    clean(old.workspace.root)
    assert len(old.store.versions()) == DEFAULT_KEEP


def test_a_lost_config_of_the_serving_version_says_to_give_the_number(old):
    old.workspace.config_file(old.runs[-1]).unlink()
    with pytest.raises(InputError, match=r"is missing\..* with --keep N"):
        clean(old.workspace.root)
    clean(old.workspace.root, "--keep", "2")
    assert old.store.versions() == [6, 7]


@pytest.mark.parametrize("keep", ["1", "0", "-3"])
def test_fewer_versions_than_a_rollback_needs_are_refused(old, keep):
    with pytest.raises(InputError, match="at least 2 versions stay"):
        clean(old.workspace.root, "--keep", keep)
    assert len(old.store.versions()) == 7


def test_a_number_that_no_workspace_reaches_is_refused(old):
    with pytest.raises(InputError, match="it must be at most 1000000000"):
        clean(old.workspace.root, "--keep", "99999999999999999999")


def test_a_folder_that_is_no_workspace_is_left_alone(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "20240101-000000.log").write_text("mine")
    with pytest.raises(InputError, match="is no workspace"):
        clean(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        clean(tmp_path / "missing")
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_an_unknown_model_is_refused(old):
    with pytest.raises(InputError, match="has no model 'other'"):
        clean(old.workspace.root, "--name", "other")


def test_another_process_in_the_workspace_is_named(old):
    with old.workspace.lock(), pytest.raises(InputError, match="is in use"):
        clean(old.workspace.root)
    assert len(old.store.versions()) == 7

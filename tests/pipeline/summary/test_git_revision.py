"""The git revision of the code that runs."""

import subprocess

import pytest

from pipeline.summary.git_revision import git_revision


def git(folder, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(name="committed")
def _committed(tmp_path):
    """A work tree with one commit, and a folder in it."""
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "first")
    (tmp_path / "inside").mkdir()
    return tmp_path


def test_the_revision_of_a_work_tree_is_its_commit(committed):
    assert git_revision(committed) == git(committed, "rev-parse", "HEAD")


def test_a_folder_inside_of_another_work_tree_has_no_revision(committed):
    assert git_revision(committed / "inside") is None


def test_a_folder_outside_of_git_and_one_without_a_commit_have_no_revision(tmp_path):
    assert git_revision(tmp_path) is None
    git(tmp_path, "init")
    assert git_revision(tmp_path) is None


def test_without_git_there_is_no_revision(committed, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_revision(committed) is None

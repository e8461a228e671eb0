"""Exit codes and messages of the commands that take versions elsewhere."""

import sys
from pathlib import Path

import pytest
from served_versions import serve_version

from pipeline import cli


@pytest.fixture(name="call")
def _call(tmp_path, monkeypatch, capsys):
    """Return a function that calls a command on a workspace with one version."""
    store = serve_version(tmp_path / "workspace")
    config = tmp_path / "config.yaml"
    config.write_text("data: pictures\n")

    def call(*arguments: str) -> tuple[int, str, str]:
        words = ["carryover", *arguments, "--workspace", str(store.root)]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return call


def publish_to(folder: Path) -> list[str]:
    config = folder.with_name("config.yaml")
    return ["publish", "--config", str(config), "--set", f"publish.bundles={folder}"]


def test_everything_published_is_0_and_so_is_nothing_left_to_do(call, tmp_path):
    arguments = publish_to(tmp_path / "out")
    code, out, _ = call(*arguments)
    assert code == 0
    assert out.splitlines()[-1] == "All targets have every version."
    assert [path.name for path in (tmp_path / "out").glob("*.tar")] == ["pets-1.tar"]
    assert call(*arguments)[:2] == (0, "All targets have every version.\n")


def test_a_target_that_failed_is_1(call, tmp_path):
    (tmp_path / "out").write_text("in the way")
    code, out, _ = call(*publish_to(tmp_path / "out"))
    assert code == 1
    assert "not published: output folder" in out


def test_no_target_is_2(call, tmp_path):
    code, _, err = call("publish", "--config", str(tmp_path / "config.yaml"))
    assert code == 2
    assert "no target is configured. Give one with --set publish.bundles=DIR" in err


def test_a_bundle_is_of_the_version_that_is_named(call, tmp_path):
    code, out, _ = call("bundle", "1", "--output", str(tmp_path))
    assert code == 0
    assert out.startswith(f"Bundle of version 1: {tmp_path}/pets-1.tar\n")
    code, _, err = call("bundle", "2", "--output", str(tmp_path))
    assert code == 2
    assert "model 'pets' has no version 2" in err

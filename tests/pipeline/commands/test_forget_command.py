"""`carryover forget` on the command line."""

import json
from pathlib import Path

import pytest
from pictured_workspace import PicturedWorkspace
from typer.testing import CliRunner

from pipeline.cli import app, main
from trainer_module.contract.errors import InputError

pytestmark = pytest.mark.component


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> PicturedWorkspace:
    return PicturedWorkspace(tmp_path_factory.mktemp("site"))


def forget(site: PicturedWorkspace, *arguments: str) -> str:
    root = str(site.workspace.root)
    done = CliRunner().invoke(app, ["forget", "--workspace", root, *arguments])
    if done.exception:
        raise done.exception
    return done.output


@pytest.mark.parametrize(
    "arguments",
    [(), ("--group", "a", "--batch", "b"), ("--path", " "), ("--path", "a", "--group", "b")],
)
def test_exactly_one_thing_says_what_to_forget(site, arguments):
    with pytest.raises(InputError, match="give one of --path, --group and --batch"):
        forget(site, *arguments)


def test_to_stop_serving_is_for_a_retirement(site):
    with pytest.raises(InputError, match="--stop-serving is for --retire-models"):
        forget(site, "--group", "ann", "--stop-serving")


@pytest.mark.parametrize(
    ("file", "problem"), [(".", "is a folder"), ("none/a.json", "is in no folder that exists")]
)
def test_a_receipt_that_cannot_be_written_is_refused_before_anything_goes(site, file, problem):
    with pytest.raises(InputError, match=f"--receipt .* {problem}"):
        forget(site, "--group", "ann", "--receipt", str(site.data / file))
    assert site.files_with(b"ann-1")


def test_a_folder_that_is_no_workspace_is_left_alone(tmp_path):
    (tmp_path / "logs").mkdir()
    with pytest.raises(InputError, match="is no workspace"):
        CliRunner().invoke(
            app, ["forget", "--workspace", str(tmp_path), "--group", "a"], catch_exceptions=False
        )
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_the_output_says_what_goes_which_versions_stay_and_where_the_receipt_is(site, tmp_path):
    told = forget(site, "--group", "ann", "--dry-run")
    assert "to remove" in told
    assert "would forget 2 pictures" in told
    values = json.loads(forget(site, "--group", "ann", "--dry-run", "--json"))
    assert values["file"] is None
    assert "receipt_sha256" not in values["receipt"]

    receipt = tmp_path / "ann.json"
    output = forget(site, "--group", "ann", "--receipt", str(receipt))
    assert "shapes version 2 was trained on them (1 in train, 1 in test)" in output
    assert "it stays: its weights were made with them" in output
    assert "shapes: version 3 serves." in output
    assert "forgot 2 pictures" in output
    [kept] = (site.workspace.root / "forgotten").glob("*.json")
    assert f"Receipt: {kept}" in output
    assert receipt.read_text() == kept.read_text()


def test_the_file_of_a_picture_that_is_still_there_is_named(site):
    path = next(Path(site.data).glob("day/cat/*.png"))
    assert f"Still there, in data or the inbox: {path}." in forget(site, "--path", str(path))


@pytest.mark.parametrize("name", ["nobody-known", "ann"])
@pytest.mark.parametrize("option", ["--group", "--path"])
def test_the_log_names_nobody(site, monkeypatch, name, option):
    root = str(site.workspace.root)
    words = ["carryover", "forget", "--workspace", root, option, name, "--dry-run"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit):
        main()
    text = site.workspace.log("forget").read_text()
    assert "carryover (arguments left out)" in text
    assert "exit code" in text
    assert name not in text

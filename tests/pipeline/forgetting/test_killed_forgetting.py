"""A forgetting that is killed with SIGKILL before any of its steps, and the call that finishes."""

import json
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from killed_cleaning import run_and_die
from pictured_workspace import DATA, PicturedWorkspace, content
from tiny_pictures import write_files
from tiny_traffic import record

from pipeline.forgetting.forget_journal import ForgetJournal, read_journal
from pipeline.forgetting.forget_request import ForgetRequest
from pipeline.forgetting.forgetting import ForgetOptions, Forgotten, forget
from pipeline.forgetting.forgotten_pictures import ForgottenPictures
from pipeline.retention.removal import Cleaned, Removal
from pipeline.traffic.traffic_store import TrafficWriter, traffic_folder
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError, UnavailableError
from trainer_module.contract.model_assets import PICTURES

pytestmark = pytest.mark.component

REQUEST = ForgetRequest("group", "ann")
NAMES = ("night/cat/ann-1.png", "night/cat/ann-2.png")


def copied(template: Path, target: Path) -> PicturedWorkspace:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(template, target, symlinks=True)
    return PicturedWorkspace(target)


def left(site: PicturedWorkspace) -> dict[str, int]:
    """Return the sizes of all files but receipts, which say when, and the states of batches."""
    files = {
        name: size
        for name, size in site.old.files().items()
        if not name.startswith("forgotten/") and not name.endswith("rollback.json")
    }
    return files | {f"{one.name} {one.state}": one.forgotten for one in site.ledger.batches()}


@pytest.mark.parametrize("retires", [False, True])
@pytest.mark.parametrize("stride", [pytest.param(3, marks=pytest.mark.soak), 13])
def test_after_a_kill_the_workspace_works_and_the_next_call_finishes(tmp_path, retires, stride):
    PicturedWorkspace(tmp_path / "template")
    options = ForgetOptions(retires=retires)
    undisturbed = copied(tmp_path / "template", tmp_path / "undisturbed")
    [whole] = forget(undisturbed.workspace, REQUEST, options)
    expected, kills = left(undisturbed), 0
    for step in count(1, stride):
        site = copied(tmp_path / "template", tmp_path / "site")
        if not run_and_die(lambda site=site: forget(site.workspace, REQUEST, options), step):
            break
        kills += 1
        site.old.check()
        assert site.store.newest() in ((1, 3) if retires else (3,))
        # Whatever is forgotten next, what had begun is finished first.
        results = forget(site.workspace, ForgetRequest("group", "bob"), ForgetOptions())
        if len(results) == 1:  # it was killed before the journal
            results = forget(site.workspace, REQUEST, options)
        assert results[0].receipt["versions"] == whole.receipt["versions"]
        assert site.files_with(*map(content, NAMES), *(one.encode() for one in NAMES)) == set()
        site = copied(tmp_path / "template", tmp_path / "site")
        run_and_die(lambda site=site: forget(site.workspace, REQUEST, options), step)
        forget(site.workspace, REQUEST, options)
        assert left(site) == expected, step
    assert kills * stride > 40


def begun(
    tmp_path: Path, request: ForgetRequest, options: ForgetOptions
) -> Iterator[PicturedWorkspace]:
    """Yield workspaces in which a forgetting was killed after it had begun, at several steps."""
    PicturedWorkspace(tmp_path / "template")
    found = 0
    for step in count(5, 9):
        site = copied(tmp_path / "template", tmp_path / "site")
        is_killed = run_and_die(lambda site=site: forget(site.workspace, request, options), step)
        if not is_killed or found == 4:
            break
        if read_journal(site.workspace):
            found += 1
            yield site
    assert found == 4


def test_a_kill_between_the_files_of_a_retired_version_blocks_no_later_call(tmp_path, monkeypatch):
    def die(path: Path) -> None:
        if "rolled_back" in path.parts:
            raise KeyboardInterrupt

    site = PicturedWorkspace(tmp_path)
    monkeypatch.setattr("pipeline.retention.removal._remove", die)
    with pytest.raises(KeyboardInterrupt):
        forget(site.workspace, REQUEST, ForgetOptions(retires=True))
    monkeypatch.undo()
    [folder] = site.store.rolled_back.iterdir()
    (folder / PICTURES).unlink()
    forget(site.workspace, REQUEST, ForgetOptions(retires=True))
    assert site.store.versions() == [1]


def begin(
    site: PicturedWorkspace,
    monkeypatch: pytest.MonkeyPatch,
    request: ForgetRequest,
    **options: bool,
) -> None:
    """Begin a forgetting that ends before reports are removed."""

    def die(self: Removal) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Removal, "carry_out", die)
    with pytest.raises(KeyboardInterrupt):
        forget(site.workspace, request, ForgetOptions(**options))
    monkeypatch.undo()


def test_a_call_that_finishes_leaves_no_model_without_a_version_unless_it_was_said(
    tmp_path, monkeypatch
):
    site = PicturedWorkspace(tmp_path)
    begin(site, monkeypatch, REQUEST, retires=True)
    shutil.rmtree(site.store.path(1))
    assert site.store.versions() == [3]
    with pytest.raises(InputError, match="none could serve"):
        forget(site.workspace, ForgetRequest("group", "bob"), ForgetOptions())
    assert site.store.versions() == [3]
    forget(site.workspace, REQUEST, ForgetOptions(retires=True, stops_serving=True))
    assert site.store.versions() == []


def test_a_call_that_finishes_removes_what_nothing_but_the_journal_names(tmp_path, monkeypatch):
    site = PicturedWorkspace(tmp_path)
    path = site.data / DATA[2]  # of the test split
    with TrafficWriter(traffic_folder(site.workspace.root), 10**9) as writer:
        writer.write([record(1.0, content(DATA[2])), record(2.0, b"another")])
    names = ("monitoring/state.json", "exports/shapes/1/shapes-1.tar")
    write_files(site.workspace.root, dict.fromkeys(names, b"with the picture"))
    begin(site, monkeypatch, ForgetRequest("path", str(path)))
    assert set(names) <= site.names()
    forget(site.workspace, ForgetRequest("path", str(path)), ForgetOptions())
    assert not set(names) & site.names()


def test_a_call_that_finishes_can_retire_what_the_first_one_did_not(tmp_path):
    for site in begun(tmp_path, REQUEST, ForgetOptions()):
        [result] = forget(site.workspace, REQUEST, ForgetOptions(retires=True))
        assert site.store.versions() == [1]
        versions = [(one["version"], one["is_retired"]) for one in result.receipt["versions"]]
        assert versions == [(2, True), (3, True)]
        assert result.receipt["versions"][0]["pictures"] == {
            "train": 1,
            "eval": 0,
            "test": 1,
            "unlabelled": 0,
        }


def test_a_call_that_finishes_needs_not_be_told_again_that_nothing_may_serve(tmp_path):
    request = ForgetRequest("path", "day/cat/kim-1.png")
    options = ForgetOptions(retires=True, stops_serving=True)
    for site in begun(tmp_path, request, options):
        forget(site.workspace, request, ForgetOptions())
        assert site.store.versions() == []


def test_what_is_finished_is_told_even_if_the_new_request_is_refused(tmp_path, monkeypatch):
    site = PicturedWorkspace(tmp_path)
    begin(site, monkeypatch, REQUEST)
    told: list[Forgotten] = []
    with pytest.raises(InputError, match="knows no such picture"):
        forget(site.workspace, ForgetRequest("group", "nobody"), ForgetOptions(), told.append)
    [finished] = told
    assert finished.receipt["request"] == REQUEST.as_receipt()
    assert finished.file is not None
    assert finished.file.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("request", {"kind": "person", "value": "ann"}),
        ("request", {"kind": "group", "value": 5}),
        ("contents", ["not hex"]),
        ("locations", [5]),
        ("names", "one name"),
        ("retires", "yes"),
        ("started_at", None),
        ("removed", [{"kind": "logs", "count": "many", "size": 0}]),
        ("versions", [{"model": "shapes", "version": 1}]),
        ("versions", 5),
        ("planned", [["exports"]]),
        ("planned", [["exports", 5]]),
    ],
)
def test_a_damaged_journal_is_an_error_that_names_it(tmp_path, key, value):
    workspace = Workspace(tmp_path)
    version = {"model": "m", "version": 1, "is_trained_on_them": True, "is_retired": False}
    removed, planned = [Cleaned("logs", 1, 2)], [("exports", "exports/m/1")]
    journal = ForgetJournal(
        REQUEST, ForgottenPictures(), True, False, "now", removed, [version], planned
    )
    journal.write(workspace)
    assert read_journal(workspace) == journal
    [file] = tmp_path.glob("**/.unfinished.json")
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(UnavailableError, match=r"unfinished\.json.*Remove it"):
        read_journal(workspace)

"""When the newest run answers for a run now."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny_summary import summary

from components.pusher.version_store import Push, VersionStore
from pipeline.config.run_config import RunConfig
from pipeline.identity.component_fingerprints import ComponentFingerprints
from pipeline.inputs.snapshot import Snapshot
from pipeline.retention.cleaning import clean_workspace
from pipeline.retention.kept_state import PendingBatches
from pipeline.running import unchanged_run
from pipeline.running.unchanged_run import note_identity, unchanged_summary
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace

pytestmark = pytest.mark.component

RUN = "20260101-000000"
SNAPSHOT = Snapshot(Path("listing"), "digest", "/data", ("day",), 1, {}, ())


class Site:
    """A workspace whose newest run has ended and pushed version 1."""

    def __init__(self, root: Path) -> None:
        self.workspace = Workspace(root / "workspace")
        self.folder = self.workspace.runs / RUN
        self.weights = root / "weights.h5"
        self.weights.write_bytes(b"1")
        self.config = self.settings()
        self.store = VersionStore(self.workspace.root, self.config.name)
        self.folder.mkdir(parents=True)
        self.workspace.artifacts.mkdir()
        self.workspace.metadata.touch()
        model = root / "model"
        model.mkdir()
        (model / "saved_model.pb").write_bytes(b"model")
        self.push = Push("digest", RUN, "key", None, "2026-01-01T00:00:00+00:00", {})
        self.store.push(model, self.push)
        summary(pushed_version=1).write(self.folder)
        note_identity(self.config, self.workspace, SNAPSHOT, RUN)

    def settings(self, **settings: Any) -> RunConfig:
        given = {"data": "/data", "backbone": {"weights": str(self.weights)}}
        return RunConfig(workspace=self.workspace.root, **given | settings)

    def answer(self, snapshot: Snapshot = SNAPSHOT, **settings: Any) -> Summary | None:
        config = self.settings(**settings)
        return unchanged_summary(config, self.workspace, snapshot, time.perf_counter())


@pytest.fixture(name="site")
def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(unchanged_run, "fingerprint_components", ComponentFingerprints)
    monkeypatch.setattr(unchanged_run, "code_fingerprint", lambda *_: "code")
    return Site(tmp_path)


def test_an_unchanged_run_has_the_result_of_the_newest_one_and_no_new_version(site):
    answer = site.answer()
    assert answer is not None
    assert (answer.pushed_version, answer.new_version) == (1, False)
    assert 0 < answer.seconds["total"] < 60
    assert answer.domains == Summary.read(site.folder).domains


def test_a_cleaning_of_the_workspace_changes_nothing(site):
    for run_id in ("20260102-000000", "20260103-000000"):
        site.store.push(site.store.root.parent / "model", replace(site.push, digest=run_id))
    note_identity(site.config, site.workspace, SNAPSHOT, RUN)
    summary(pushed_version=3).write(site.folder)
    clean_workspace(site.workspace, 2, PendingBatches)
    assert site.store.removed_versions() == [1]
    assert site.answer() is not None


@pytest.mark.parametrize(
    "settings",
    [{"seed": 2}, {"gate": {"max_drop": 0.1}}, {"data": "/other"}, {"notify": {"command": ["a"]}}],
)
def test_another_setting_is_another_run(site, settings):
    assert site.answer(**settings) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"digest": "other"},
        {"slice_values": Path("slices")},
        {"ignored": {"hidden file": 1}},
        {"notes": ("2 pictures have no label",)},
    ],
)
def test_another_listing_is_another_run(site, changes):
    assert site.answer(replace(SNAPSHOT, **changes)) is None


CHANGES: dict[str, Callable[[Site], object]] = {
    "other weights": lambda site: site.weights.write_bytes(b"2"),
    "another version": lambda site: site.store.push(
        site.workspace.root.parent / "model", replace(site.push, digest="2")
    ),
    "a version without its record": lambda site: (
        site.store.path(1) / "assets.extra" / "push.json"
    ).unlink(),
    "a version without its model": lambda site: (site.store.path(1) / "saved_model.pb").unlink(),
    "a run that was started since": lambda site: (site.workspace.runs / "20260101-000001").mkdir(),
    "a damaged summary": lambda site: (site.folder / "summary.json").write_text("{"),
    "a damaged identity": lambda site: (site.folder / "identity").write_bytes(b"\xff"),
    "no identity, as in a run of an earlier version": lambda site: (
        site.folder / "identity"
    ).unlink(),
    "no database": lambda site: site.workspace.metadata.unlink(),
    "no artifacts": lambda site: site.workspace.artifacts.rmdir(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_else_has_changed_is_found_by_a_run(site, change):
    assert site.answer() is not None
    change(site)
    assert site.answer() is None


def test_a_run_that_has_ended_does_not_fail_for_a_damaged_record_or_identity(site, caplog):
    (site.store.path(1) / "assets.extra" / "push.json").write_text("{")
    note_identity(site.config, site.workspace, SNAPSHOT, RUN)
    assert caplog.messages == []
    (site.folder / "identity").unlink()
    (site.folder / "identity").mkdir()
    note_identity(site.config, site.workspace, SNAPSHOT, RUN)
    [message] = caplog.messages
    assert message.startswith(f"the identity of run {RUN} is not kept: ")


@pytest.mark.parametrize("name", ["fingerprint_components", "code_fingerprint"])
def test_other_code_is_another_run(site, name, monkeypatch):
    changed = {
        "fingerprint_components": lambda: ComponentFingerprints(training="changed"),
        "code_fingerprint": lambda *_: "changed",
    }
    monkeypatch.setattr(unchanged_run, name, changed[name])
    assert site.answer() is None


def test_nothing_that_imports_slowly_is_needed(run_python):
    program = (
        "import sys, pipeline.running.local_run as run; "
        "slow = {'tensorflow', 'tfx', 'apache_beam', 'pandas'} & set(sys.modules); "
        "print(sorted(slow))"
    )
    assert run_python("-c", program).stdout == "[]\n"

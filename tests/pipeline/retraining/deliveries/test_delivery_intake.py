"""Intake of deliveries: where their files may be, and what becomes of errors."""

import errno
import os
from pathlib import Path

import pytest
from intake_site import IntakeSite
from tiny_pictures import solid, write_files

from pipeline.inputs.allowed_roots import OUTSIDE
from pipeline.retraining.deliveries import batch_store, delivered_rows, file_copies
from pipeline.retraining.deliveries.batch_store import StoreWriteError
from pipeline.retraining.ledger import Ledger
from trainer_module.contract.errors import InputError


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> IntakeSite:
    return IntakeSite(tmp_path)


def test_pictures_below_the_inbox_may_be_named_in_any_way(site):
    write_files(site.inbox / "pics", {f"{n}.png": solid((n, 1, 0)) for n in range(3)})
    (site.inbox / "pics" / "_notes").touch()
    site.manifest("pics/0.png", str(site.inbox / "pics" / "1.png"), "../in/pics/2.png")
    site.take()
    assert site.state("m.csv")[0] == "taken"


@pytest.mark.parametrize("kind", ["relative", "absolute", "uri", "link", "linked batch"])
def test_pictures_elsewhere_need_an_option_that_the_reason_names(site, kind):
    name = "batch" if "link" in kind else "m.csv"
    if kind == "linked batch":
        (site.pictures / "day" / "red").mkdir(parents=True)
        for picture in site.pictures.glob("*.png"):
            picture.rename(site.pictures / "day" / "red" / picture.name)
        (site.inbox / name).symlink_to(site.pictures)
    elif kind == "link":
        write_files(site.inbox / name, {"day/red/_": b""})
        (site.inbox / name / "day" / "red" / "_").unlink()
        (site.inbox / name / "day" / "red" / "0.png").symlink_to(site.pictures / "0.png")
    else:
        start = {"relative": "../pics", "uri": f"file://{site.pictures}"}.get(kind, site.pictures)
        site.manifest(f"{start}/0.png", f"{start}/1.png")
    assert site.take()[name].events == ("taken", "held")
    state, reason = site.state(name)
    assert state == "held"
    assert OUTSIDE in reason
    assert f"--set 'retrain.allowed_roots=[{site.pictures}]'" in reason
    assert not list(site.workspace.glob("batches/[!.]*"))
    assert site.take() == {}  # told once
    site.take(str(site.pictures))
    assert site.state(name)[0] == "taken"
    assert site.take(str(site.pictures)) == {}


def test_a_batch_with_some_files_elsewhere_is_taken_without_them(site):
    write_files(site.inbox / "pics", {"a.png": solid("red")})
    site.manifest("pics/a.png", f"{site.pictures}/0.png", "/etc/passwd")
    site.take()
    assert site.state("m.csv")[0] == "taken"
    batch = Ledger(site.workspace).newest("m.csv")
    rows = {row["name"]: row.get("reason", "") for row in site.store.read(batch.digest)}
    assert rows == {
        "pics/a.png": "",
        f"{site.pictures}/0.png": f"{OUTSIDE}: {site.pictures}",
        "/etc/passwd": f"{OUTSIDE}: /etc",
    }
    assert site.take() == {}


def test_a_link_that_is_changed_while_the_batch_is_copied_is_not_followed(site, monkeypatch):
    picture = site.inbox / "batch" / "day" / "red" / "0.png"
    write_files(site.inbox / "batch", {"day/red/0.png": solid("red"), "day/red/1.png": b"x"})
    add = file_copies.FileCopies.add

    def swap_and_add(copies, location: str):
        if location == str(picture):
            picture.unlink()
            picture.symlink_to(site.pictures / "0.png")
        return add(copies, location)

    monkeypatch.setattr(file_copies.FileCopies, "add", swap_and_add)
    monkeypatch.setattr(batch_store, "file_stamp", lambda *_: "stamp")
    site.take()
    rows = site.store.read(Ledger(site.workspace).newest("batch").digest)
    assert rows[0]["reason"] == f"{OUTSIDE}: {site.pictures}"
    assert not list(site.workspace.glob("batches/*/files/*/*"))


@pytest.mark.parametrize(
    "error",
    [RecursionError("too deep"), MemoryError(), KeyError("x\x1b[2J"), RuntimeError("a\nb: pushed")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("where", ["find_layout", "file_stamp", "check_stores"])
def test_an_unexpected_error_is_the_outcome_of_one_delivery(site, monkeypatch, error, where):
    for name in ("a", "b", "c"):
        write_files(site.inbox / name, {f"day/red/{name}.png": solid((ord(name), 0, 0))})
    module = batch_store if where == "file_stamp" else delivered_rows
    function = getattr(module, where)

    def fail(first, *arguments, **options):
        if str(first).endswith("in/b") or (where == "check_stores" and "b.png" in str(first)):
            raise error
        return function(first, *arguments, **options)

    monkeypatch.setattr(module, where, fail)
    results = site.take()
    assert {site.state(name)[0] for name in ("a", "c")} == {"taken"}
    state, reason = site.state("b")
    assert state == "failed"
    assert reason.startswith(type(error).__name__)
    assert reason.isprintable()
    assert "traceback: " in reason
    assert results["b"].events == ("taken", "failed")
    assert results["b"].event_values()["reason"] == reason
    assert site.take() == {}  # it is not tried again before it is changed
    monkeypatch.undo()
    (site.inbox / "b" / "day" / "red" / "b.png").write_bytes(solid((1, 2, 3)))
    site.take()
    assert site.state("b")[0] == "taken"


def test_a_workspace_that_cannot_be_written_is_no_fault_of_a_delivery(site, monkeypatch):
    write_files(site.inbox / "a", {"day/red/0.png": solid("red")})

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(file_copies.FileCopies, "_write", fail)
        with pytest.raises(StoreWriteError, match="No space left on device"):
            site.take()
    assert Ledger(site.workspace).batches() == []
    assert not list(site.workspace.glob("batches/[!.]*"))
    site.take()
    assert site.state("a")[0] == "taken"


def test_a_broken_ledger_is_no_fault_of_a_delivery(site):
    site.take()
    (site.workspace / "ledger.sqlite").write_bytes(b"damaged" * 1000)
    write_files(site.inbox / "a", {"day/red/0.png": solid("red")})
    with pytest.raises(InputError, match="ledger"):
        site.take()


def test_names_that_look_the_same_are_two_batches(site):
    for number, name in enumerate(("a\\n", "a\n", "b")):
        write_files(site.inbox / name, {"day/red/0.png": solid((number, 0, 0))})
    names = set(site.take())
    assert len(names) == 3
    assert {"a\\n", "b"} < names
    [other] = names - {"a\\n", "b"}
    assert other.startswith("a\\n~")
    assert site.take() == {}


@pytest.mark.parametrize(("size", "is_copied"), [(9_999, True), (10_001, False)])
def test_a_picture_may_have_so_many_bytes(site, size, is_copied):
    content = solid("red")
    write_files(site.inbox / "a", {"day/red/0.png": content + bytes(size - len(content))})
    site.take()
    [row] = site.store.read(Ledger(site.workspace).newest("a").digest)
    if is_copied:
        assert "file too large" not in row.get("reason", "")
    else:
        assert row["reason"] == (
            "file too large: 10,001 bytes or more, the limit max_file_bytes is 10,000"
        )

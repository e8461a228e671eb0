"""Batches that could not be read, or wait, and are delivered again; see docs/retraining.md.

`tests/pipeline/retraining/test_redelivery.py` has the states of batches that were copied.
"""

import os
import shutil
from pathlib import Path

import pytest
from intake_site import IntakeSite
from tiny_pictures import solid, write_files

from pipeline.retraining.deliveries import batch_store
from pipeline.retraining.deliveries.inbox import find_deliveries
from pipeline.retraining.deliveries.process_deaths import DEATHS, MAX_DEATHS, death_stamp


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> IntakeSite:
    return IntakeSite(tmp_path)


def leave(path: Path) -> str:
    return path.name


def touch(path: Path) -> str:
    os.utime(next(path.rglob("*.png")) if path.is_dir() else path, (10**9, 10**9))
    return path.name


def copy_again(path: Path) -> str:
    copy = path.with_name("copy")
    shutil.copytree(path, copy, copy_function=shutil.copyfile)
    shutil.rmtree(path)
    copy.rename(path)
    return path.name


def rename(path: Path) -> str:
    return path.rename(path.with_name(f"later-{path.name}")).name


def copy_to_another_name(path: Path) -> str:
    copy = path.with_name(f"later-{path.name}")
    (shutil.copytree if path.is_dir() else shutil.copy)(path, copy)
    return copy.name


def change(path: Path) -> str:
    write_files(path, {"day/red/more.png": solid((99, 1, 2))})
    return path.name


def read_with_an_error(site: IntakeSite) -> None:
    """Let the batch `monday` fail at an error that nobody expects."""

    def fail(*_: object) -> None:
        raise RuntimeError("odd")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_store, "file_stamp", fail)
        site.take()


def end_processes(site: IntakeSite) -> None:
    """Let the batch `monday` fail because processes ended while they read it."""
    [delivery] = find_deliveries(site.inbox, 0)
    write_files(site.workspace / "batches" / DEATHS, {death_stamp(delivery): b"x" * MAX_DEATHS})
    site.take()


@pytest.mark.component
@pytest.mark.parametrize("fail", [read_with_an_error, end_processes])
@pytest.mark.parametrize("deliver", [touch, copy_again, rename, copy_to_another_name, change])
def test_a_batch_that_failed_while_it_was_read_is_read_again(site, fail, deliver):
    monday = write_files(site.inbox / "monday", {"day/red/0.png": solid("red")})
    fail(site)
    assert [batch.state for batch in site.batches()] == ["failed"]
    assert site.take() == {}  # it lies there unchanged
    name = deliver(monday)
    assert site.take()[name].events == ("taken",)
    first, second = site.batches()
    assert (second.name, second.state) == (name, "taken")
    assert first.replaced_by == (second.number if name == "monday" else None)
    assert site.take() == {}


@pytest.fixture(name="waiting")
def _waiting(site: IntakeSite) -> Path:
    """A manifest in the inbox whose pictures are missing."""
    site.manifest("later/0.png", "later/1.png", name="monday.csv")
    assert site.take()["monday.csv"].events == ("waiting",)
    return site.inbox / "monday.csv"


def deliver_pictures(site: IntakeSite) -> None:
    write_files(site.inbox / "later", {f"{n}.png": solid((n, 9, 0)) for n in range(2)})
    (site.inbox / "later" / "_notes").touch()


@pytest.mark.component
@pytest.mark.parametrize("deliver", [leave, touch])
def test_a_batch_that_waits_waits_on_when_it_is_delivered_again(site, waiting, deliver):
    deliver(waiting)
    assert site.take()["monday.csv"].events == ()
    [batch] = site.batches()
    assert (batch.number, batch.state) == (1, "waiting")
    deliver_pictures(site)
    assert site.take()["monday.csv"].events == ("taken",)
    assert site.batches()[0].state == "taken"


@pytest.mark.component
def test_a_batch_that_waits_and_is_renamed_is_withdrawn_and_waits_under_the_new_name(site, waiting):
    name = rename(waiting)
    results = site.take()
    assert results["monday.csv"].events == ("withdrawn",)
    assert results[name].events == ("waiting",)
    deliver_pictures(site)
    site.take()
    states = {batch.name: batch.state for batch in site.batches()}
    assert (states["monday.csv"], states[name]) == ("withdrawn", "taken")


@pytest.mark.component
def test_of_two_copies_that_wait_the_second_becomes_a_duplicate(site, waiting):
    name = copy_to_another_name(waiting)
    assert site.take()[name].events == ("waiting",)
    deliver_pictures(site)
    site.take()
    states = {batch.name: batch.state for batch in site.batches() if batch.name != "later"}
    assert sorted(states.values()) == ["duplicate", "taken"]


@pytest.mark.component
def test_a_batch_that_waits_and_is_corrected_is_taken_as_it_is_then(site, waiting):
    write_files(site.inbox, {"pictures/day/red/0.png": solid("red")})
    site.manifest("pictures/day/red/0.png", name=waiting.name)
    assert site.take()["monday.csv"].events == ("taken",)
    assert (site.batches()[0].number, site.batches()[0].state) == (1, "taken")

"""Deliveries that no one should make: each has an outcome, and other batches are not affected."""

import os
from pathlib import Path

import pytest
from retraining_site import CORRECT
from tiny_pictures import solid
from tiny_workspace import write_colours

pytestmark = pytest.mark.component

HEADER = "path,domain,label\n"


def dangling_link(inbox: Path) -> None:
    (inbox / "bad.csv").symlink_to("nonexistent.csv")


def loop(inbox: Path) -> None:
    (inbox / "bad.csv").symlink_to("bad.csv")


def pipe(inbox: Path) -> None:
    os.mkfifo(inbox / "bad.csv")


def nul_in_path(inbox: Path) -> None:
    (inbox / "bad.csv").write_bytes(HEADER.encode() + b"a\0b.png,night,red\n")


def long_path(inbox: Path) -> None:
    (inbox / "bad.csv").write_text(f"{HEADER}{'a' * 300}.png,night,red\n")


def device(inbox: Path) -> None:
    (inbox / "bad.csv").write_text(f"{HEADER}/dev/zero,night,red\n")


def header_alone(inbox: Path) -> None:
    (inbox / "bad.csv").write_text(HEADER)


def long_suffix(inbox: Path) -> None:
    folder = inbox / "bad" / "night" / "red"
    folder.mkdir(parents=True)
    (folder / f"1.{'x' * 240}").write_bytes(solid("red"))


def bytes_in_name(inbox: Path) -> None:
    write_colours(inbox / os.fsdecode(b"bad\xe9"), "night", CORRECT)


def controls_in_name(inbox: Path) -> None:
    write_colours(inbox / "bad\x1b[31m\nmonday: pushed", "night", CORRECT)


def folder_named_as_a_manifest(inbox: Path) -> None:
    write_colours(inbox / "bad.csv", "night", CORRECT)


def empty_folder(inbox: Path) -> None:
    (inbox / "bad").mkdir()


def deep_folder(inbox: Path) -> None:
    folder = inbox / "bad" / "night"
    folder.mkdir(parents=True)
    before = Path.cwd()
    try:
        os.chdir(folder)
        for _ in range(30):
            Path("d" * 200).mkdir()
            os.chdir("d" * 200)
    finally:
        os.chdir(before)


@pytest.mark.parametrize(
    ("make", "states"),
    [
        (dangling_link, {"waiting"}),
        (loop, {"waiting"}),
        (pipe, {"held"}),
        (nul_in_path, {"held"}),
        (long_path, {"held"}),
        (device, {"held"}),
        (header_alone, {"held"}),
        (long_suffix, {"too_little_data"}),
        (bytes_in_name, {"good_enough"}),
        (controls_in_name, {"good_enough"}),
        (folder_named_as_a_manifest, {"held"}),
        (empty_folder, {"held"}),
        (deep_folder, {"waiting", "held"}),
    ],
)
def test_an_odd_delivery_has_an_outcome_and_does_not_stop_others(site, make, states):
    make(site.inbox)
    write_colours(site.inbox / "good", "night", CORRECT, seed=400)
    assert site.run() == 0
    by_name = {batch.name: batch for batch in site.batches()}
    assert by_name.pop("good").state == "good_enough"
    [batch] = by_name.values()
    assert batch.state in states
    assert batch.reason
    assert "\x1b" not in site.output
    assert not [line for line in site.output.splitlines() if line.startswith("monday")]
    first = site.output
    assert site.run() == 0
    assert site.events == []
    assert batch.state == "waiting" or site.output != first

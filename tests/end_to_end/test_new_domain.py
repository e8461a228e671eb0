"""A night from the first strange picture to a model that knows them, with bundled pictures.

Clients of a server send pictures of known styles, and then line art. Nobody does anything but give
labels to the pictures that `carryover monitor` chose.
"""

import contextlib
import hashlib
import json
import random
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import warm_process
from command import DEFAULT_BACKBONE, carryover, newest_summary, run_arguments
from repository import ROOT
from rest_client import binary
from server_process import ServerProcess, start_server

from pipeline.monitoring.traffic_reader import SETTLING

pytestmark = pytest.mark.soak

#: Domain that the client names.
TABLET = "tablet"

#: Classes with enough pictures in every style to compare traffic with.
CLASSES = ("animal", "face", "food", "person")

#: The watcher and its passes are processes of their own, see `DEFAULT_BACKBONE`. Both trainings are
#: short: a new head is most of what line art needs.
SETTINGS = DEFAULT_BACKBONE | {
    "split.eval": 0.35,
    "fine_tuning.epochs": 0,
    "retrain.epochs": 1,
    "retrain.views": 1,
    "retrain.poll_seconds": 120,  # file events start the passes
}

#: Seconds that another process may take for anything, on a busy machine.
MAX_TIME = 900


def pictures(folder: Path) -> list[Path]:
    """Return the pictures of a data folder in random order."""
    found = sorted(path for name in CLASSES for path in folder.glob(f"*/{name}/*.png"))
    random.Random(1).shuffle(found)  # noqa: S311
    return found


@pytest.fixture(name="workspace")
def _workspace(tmp_path: Path) -> Path:
    """A workspace whose version 1 knows three drawing styles."""
    for path in pictures(ROOT / "data" / "pictures"):
        link = tmp_path / "data" / path.relative_to(ROOT / "data" / "pictures")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    done = carryover(*run_arguments(tmp_path / "data", tmp_path / "workspace", **SETTINGS))
    assert done.returncode == 0, done.stdout + done.stderr
    return tmp_path / "workspace"


def send(server: ServerProcess, paths: list[Path]) -> float:
    """Send pictures as a client does, and return the share of correct predictions."""
    correct = 0
    for first in range(0, len(paths), 16):
        some = paths[first : first + 16]
        request = {"instances": [binary(path.read_bytes()) for path in some]}
        done = server.client.predict(request, headers={"Carryover-Domain": TABLET})
        assert done.status == 200, done.body
        labels = [row["label"] for row in done.body["predictions"]]
        correct += sum(a == b.parent.name for a, b in zip(labels, some, strict=True))
    return correct / len(paths)


def monitor(server: ServerProcess, num_sent: int, *options: str) -> tuple[int, dict]:
    """Return the exit code and the report of the command, once all that was sent is in a file."""
    wait_until(lambda: server.metric("carryover_sampled_pictures_total") == num_sent, server.log)
    time.sleep(SETTLING)
    done = carryover("monitor", "--workspace", str(server.log.parent), "--json", *options)
    assert done.returncode in (0, 3), done.stderr
    return done.returncode, json.loads(done.stdout)


def give_labels(workspace: Path, batch: Path, truth: dict[str, str], output: Path) -> None:
    """Label the pictures that were chosen, on the page of `carryover label`."""
    said, log = workspace.parent / "label.out", workspace.parent / "label.log"
    folders = [str(batch), "--classes-from", str(workspace), "--output", str(output)]
    process = warm_process.start("pipeline.cli", ["label", *folders], stdout=said, stderr=log)
    try:
        while not (address := re.search(r"http://127\.0\.0\.1:\d+/\S+/", said.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        state = json.loads(call(f"{address[0]}state"))
        for one in state["pictures"]:
            picture = batch / TABLET / "_to_label" / one["name"]
            if picture.exists():
                label = truth[hashlib.sha256(picture.read_bytes()).hexdigest()]
                decision = {"id": one["id"], "kind": "labelled", "label": label}
                call(f"{address[0]}decisions", decision)
        call(f"{address[0]}finish", {})
        assert process.wait(60) == 0
    finally:
        process.kill_group()


def call(address: str, body: object = None) -> bytes:
    """Return the response to a request of the page."""
    content = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(address, content, timeout=60) as response:  # noqa: S310
        return response.read()


@contextlib.contextmanager
def started(arguments: list[str], log: Path) -> Iterator[None]:
    """Run the watcher until the end of the block. It ends its pass, which is in another group."""
    process = warm_process.start("pipeline.cli", arguments, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(120)


def wait_until(is_done: Callable[[], bool], log: Path) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + MAX_TIME
    while not is_done():
        assert time.monotonic() < end, log.read_text()[-5000:]
        time.sleep(0.5)


def serves(server: ServerProcess, version: int) -> bool:
    states = server.client.status().body["model_version_status"]
    return (str(version), "AVAILABLE") in [(one["version"], one["state"]) for one in states]


def test_a_new_domain_is_noticed_delivered_learnt_and_then_usual(tmp_path, workspace):
    known = pictures(ROOT / "data" / "pictures")
    new = pictures(ROOT / "data" / "incoming" / "2026-line-art")
    truth = {hashlib.sha256(path.read_bytes()).hexdigest(): path.parent.name for path in new}
    inbox, log = tmp_path / "inbox", tmp_path / "watch.log"
    inbox.mkdir()
    watch = ["watch", "-w", str(workspace), "--inbox", str(inbox)]
    with (
        start_server(workspace, "--sample-requests", "1") as server,
        started(watch, log),
    ):
        send(server, known[:300])
        code, report = monitor(server, 300)
        assert code == 0, report

        before = send(server, new[:250])
        code, report = monitor(server, 550, "--deliver", str(inbox))
        assert code == 3, report
        [batch] = inbox.iterdir()
        assert len(list((batch / TABLET / "_to_label").iterdir())) >= 50
        give_labels(workspace, batch, truth, inbox / "labels")
        wait_until(lambda: serves(server, 2), log)
        assert newest_summary(workspace)["domains"][TABLET]["baseline_accuracy"] < 0.6

        after = send(server, new[250:])
        assert after > before + 0.1
        code, report = monitor(server, 300 + len(new))
        assert code == 0, report
        [domain] = report["domains"]
        assert (report["version"], domain["pictures"]) == (2, len(new) - 250)

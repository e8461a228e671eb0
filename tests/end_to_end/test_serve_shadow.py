"""`carryover serve --shadow` as a process: what clients get, and when a new version serves."""

import itertools
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from grpc_client import GrpcClient
from rest_client import binary
from server_process import ServerProcess, start_server
from test_serve import wait_for
from tiny_exports import export_tiny, push_of
from tiny_pictures import solid, with_comment

from components.pusher.version_store import VersionStore

pytestmark = pytest.mark.slow

#: Pictures for which version 1 is confident.
PICTURES = [solid("red"), solid("blue"), solid((9, 200, 90)), solid((250, 250, 10))]

#: Pictures that a version is in shadow for, in these tests.
WANTED = 8
OPTIONS = ("--shadow", "--set", f"serve.shadow_pictures={WANTED}")


_numbers = itertools.count()


def new_pictures() -> list[bytes]:
    """Files that no shadow has seen, with the pixels of `PICTURES`."""
    number = next(_numbers)
    return [with_comment(picture, str(number)) for picture in PICTURES]


class FailingModel(tf.Module):
    """A model that refuses every picture, as one whose graph is broken."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image")])
    def predict(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.control_dependencies([tf.debugging.Assert(tf.size(image) < 0, ["no such layer"])]):
            confidence = tf.zeros(tf.shape(image), tf.float32)
        return {"label": tf.identity(image), "confidence": confidence}


@pytest.fixture(name="models", scope="module")
def _models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of models by what they predict, compared with the model `first`."""
    folder = tmp_path_factory.mktemp("models")
    failing = FailingModel()
    tf.saved_model.save(failing, str(folder / "failing"), {"serving_default": failing.predict})
    return {
        "first": export_tiny(folder / "first", seed=1, with_rule=True),
        "same": export_tiny(folder / "same", seed=1, temperature=2.0, with_rule=True),
        "other": export_tiny(folder / "other", seed=6, with_rule=True),
        "failing": folder / "failing",
    }


class Site:
    """A workspace whose first version is `first`."""

    def __init__(self, root: Path, models: dict[str, Path]) -> None:
        self.root, self.models = root, models
        self.store = VersionStore(root, "shapes")
        self.push("first")

    def push(self, name: str) -> int:
        model = self.models[name]
        return self.store.push(model, push_of(len(self.store.versions())))

    def state(self) -> dict[str, Any]:
        """Content of the file about the shadow."""
        return json.loads((self.root / "shadow" / "shapes.json").read_text())

    def ended(self) -> bool:
        return bool(self.state()["shadow"] and self.state()["shadow"]["outcome"])


@pytest.fixture(name="site")
def _site(tmp_path: Path, models: dict[str, Path]) -> Site:
    return Site(tmp_path, models)


def confidences(server: ServerProcess, **options: Any) -> list[float]:
    """Confidences that a client gets for the pictures, by which versions are told apart."""
    request = {"instances": [binary(picture) for picture in new_pictures()]}
    response = server.client.predict(request, **options)
    assert response.status == 200, response.body
    return [round(row["confidence"], 3) for row in response.body["predictions"]]


def compared(site: Site) -> int:
    return sum(pair["pictures"] for pair in site.state()["shadow"]["pairs"])


def begin_shadow(site: Site, server: ServerProcess, name: str) -> int:
    version = site.push(name)
    wait_for(lambda: server.metric("carryover_shadow_version") == version)
    # The file is written a moment later.
    wait_for(lambda: (site.state()["shadow"] or {}).get("version") == version)
    return version


@pytest.fixture(name="server")
def _server(site: Site) -> Iterator[ServerProcess]:
    with start_server(site.root, "--grpc-port", "0", *OPTIONS) as running:
        yield running


def test_clients_get_the_old_answers_until_enough_pictures_agree(site, server):
    first = confidences(server)
    assert begin_shadow(site, server, "same") == 2
    headers = {"Carryover-Domain": "day"}
    assert confidences(server, headers=headers) == first
    wait_for(lambda: compared(site) == len(PICTURES))
    assert server.metric("carryover_serving_version") == 1
    with GrpcClient(server.grpc_address, "shapes") as client:
        response = client.predict(new_pictures())  # the last pictures that are needed
        assert [round(value, 3) for value in response.outputs["confidence"].float_val] == first
        assert response.model_spec.version.value == 1
        wait_for(lambda: server.metric("carryover_serving_version") == 2)
        assert client.predict(new_pictures()).model_spec.version.value == 2
    assert confidences(server) == confidences(server, version=2) != first
    assert confidences(server, version=1) == first
    wait_for(site.ended)
    shadow = site.state()["shadow"]
    assert (site.state()["promoted"], shadow["outcome"]) == (2, "promoted")
    assert shadow["counts"]["disagreements"] == 0
    assert {(pair["domain"], pair["pictures"]) for pair in shadow["pairs"]} == {
        ("day", 1),
        ("day", 3),
        ("", 1),
        ("", 3),
    }
    log = server.log.read_text()
    assert "version 2 was in shadow: of 8 pictures it predicts another class" in log
    assert "Outcome: it serves now" in log


def test_under_requests_no_client_sees_the_new_version_before_and_the_old_one_after_it_serves(
    site, server
):
    stop, seen = threading.Event(), {"REST": [], "gRPC": []}
    first = confidences(server)

    def send_over_rest() -> None:
        while not stop.is_set():
            seen["REST"].append(confidences(server) == first)

    def send_over_grpc() -> None:
        with GrpcClient(server.grpc_address, "shapes") as client:
            while not stop.is_set():
                seen["gRPC"].append(client.predict(new_pictures()).model_spec.version.value == 1)

    with ThreadPoolExecutor(2) as threads:
        senders = [threads.submit(send) for send in (send_over_rest, send_over_grpc)]
        try:
            site.push("same")
            wait_for(lambda: server.metric("carryover_serving_version") == 2)
            time.sleep(1)
        finally:
            stop.set()
        for sender in senders:
            sender.result()
    for is_first in seen.values():
        number = is_first.index(False)  # the first response of the new version
        assert number > 0
        assert not any(is_first[number:])
    pairs = site.state()["shadow"]["pairs"]
    assert sum(pair["pictures"] for pair in pairs) == WANTED


def test_labels_reach_the_serving_version_and_the_one_in_shadow(site, server):
    first = confidences(server)
    with GrpcClient(server.grpc_address, "shapes") as client:
        assert client.predict(new_pictures(), label="canary").model_spec.version.value == 1
        begin_shadow(site, server, "other")
        assert client.predict(new_pictures(), label="canary").model_spec.version.value == 2
        assert client.predict(new_pictures(), label="stable").model_spec.version.value == 1
    request = {"instances": [binary(picture) for picture in new_pictures()]}
    rows = server.client.predict_labelled(request, "canary").body["predictions"]
    shadow = confidences(server, version=2)
    assert [round(row["confidence"], 3) for row in rows] == shadow != first
    assert compared(site) <= len(PICTURES)  # those of the label `stable` alone


def test_a_version_that_contradicts_too_much_stays_in_shadow_until_it_is_rolled_back(site, server):
    first = confidences(server)
    begin_shadow(site, server, "other")
    for _ in range(4):
        assert confidences(server) == first
    wait_for(site.ended)
    shadow = site.state()["shadow"]
    assert shadow["outcome"] == "over_limit"
    assert shadow["counts"]["confident_disagreements"] == 6
    assert confidences(server) == first
    page = json.loads(server.client.get("/overview")[1])["shadow"]
    assert (page["version"], page["outcome"]) == (2, "over_limit")
    assert [row["disagreements"] for row in page["classes"]] == [6, 0]
    metrics = server.client.get("/metrics")[1].decode()
    assert 'carryover_shadow_pictures{agrees="true",label="chat"} 2.0' in metrics
    assert 'carryover_shadow_confident_pictures{agrees="false",label=' in metrics
    log = server.log.read_text()
    assert "6 (75.0 %) of the 8 that version 1 is confident of, where the limit is 10.0 %" in log
    assert "It stays in shadow. Take it out of service with carryover rollback" in log
    site.store.roll_back()
    wait_for(lambda: server.metric("carryover_shadow_version") == 0)
    wait_for(lambda: site.state()["shadow"]["outcome"] == "withdrawn")
    assert confidences(server) == first


def test_a_version_that_fails_on_every_picture_is_reported_and_the_next_one_replaces_it(
    site, server
):
    first = confidences(server)
    begin_shadow(site, server, "failing")
    assert confidences(server) == first
    wait_for(site.ended)
    assert site.state()["shadow"]["outcome"] == "failed"
    reason = "it cannot predict a picture that version 1 can: "
    assert site.state()["shadow"]["reason"].startswith(reason)
    assert server.metric("carryover_shadow_failed") == 1
    for _ in range(3):
        assert confidences(server) == first
    assert begin_shadow(site, server, "same") == 3
    confidences(server)
    confidences(server)
    wait_for(lambda: server.metric("carryover_serving_version") == 3)
    told = "version 2 was in shadow: no picture was compared. Outcome: it cannot predict a picture"
    assert told in server.log.read_text()


def test_a_restart_goes_on_with_the_counts_and_keeps_the_shadow_from_clients(site):
    with start_server(site.root, *OPTIONS) as server:
        first = confidences(server)
        begin_shadow(site, server, "same")
        confidences(server)
        wait_for(lambda: compared(site) == len(PICTURES))
        assert server.stop() == 0
    since = site.state()["shadow"]["since"]
    with start_server(site.root, *OPTIONS) as server:
        assert confidences(server) == first
        wait_for(lambda: server.metric("carryover_shadow_version") == 2)
        wait_for(lambda: bool(confidences(server)) and site.ended())
        assert server.metric("carryover_serving_version") == 2
        assert server.stop() == 0
    assert compared(site) == WANTED
    assert (site.state()["shadow"]["since"], site.state()["promoted"]) == (since, 2)


def test_a_server_without_a_shadow_tells_since_when_a_version_serves_that_was_in_shadow(site):
    with start_server(site.root, *OPTIONS) as server:
        begin_shadow(site, server, "same")
        wait_for(lambda: bool(confidences(server)) and site.ended())
        assert server.stop() == 0
    promoted_at = site.state()["promoted_at"]
    for options in (["--no-shadow"], OPTIONS):
        with start_server(site.root, *options) as server:
            version = json.loads(server.client.get("/overview")[1])["version"]
            assert (version["number"], version["since"]) == (2, promoted_at)
            assert server.stop() == 0


def test_a_version_that_was_pushed_while_no_server_ran_is_in_shadow_unless_none_is_wanted(site):
    with start_server(site.root, *OPTIONS) as server:
        wait_for(lambda: (site.root / "shadow" / "shapes.json").exists())
        assert server.stop() == 0
    site.push("other")
    with start_server(site.root, *OPTIONS) as server:
        wait_for(lambda: server.metric("carryover_shadow_version") == 2)
        assert server.metric("carryover_serving_version") == 1
        assert server.stop() == 0
    with start_server(site.root, "--no-shadow") as server:
        assert server.metric("carryover_serving_version") == 2
        assert server.stop() == 0
    with start_server(site.root, *OPTIONS) as server:
        wait_for(lambda: site.state()["promoted"] == 2)
        assert server.metric("carryover_serving_version") == 2
        assert server.stop() == 0


def test_a_command_that_hangs_after_a_shadow_keeps_no_server_from_ending(site):
    config = site.root / "notify.yaml"
    config.write_text("data: d\nnotify: {command: [sleep, '40']}\n")
    with start_server(site.root, *OPTIONS, "--config", str(config)) as server:
        begin_shadow(site, server, "same")
        for _ in range(2):
            confidences(server)
        wait_for(lambda: server.metric("carryover_serving_version") == 2)
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < 20

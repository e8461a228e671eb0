"""Publishing delays nothing for long, and fails nothing; targets are real folders."""

import contextlib
import json
import os
import shutil
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest
from served_versions import NAME, serve_version

from components.pusher.version_store import VersionStore
from pipeline.config.publish_options import PublishOptions
from pipeline.publishing import publish_process
from pipeline.publishing.publish_at_end import publish_change, published_at_end
from pipeline.publishing.publish_process import publish_logged
from pipeline.workspace import Workspace
from trainer_module.contract.workspace_files.file_lock import lock_file


@pytest.fixture(name="store")
def _store(tmp_path) -> VersionStore:
    return serve_version(tmp_path / "workspace")


@pytest.fixture(name="hanging")
def _hanging(store, tmp_path) -> PublishOptions:
    """A target that hangs: one of the files to publish never ends."""
    report = store.root / "runs" / "20240101-000000" / "report.html"
    report.unlink(missing_ok=True)
    os.mkfifo(report)
    return PublishOptions(bundles=tmp_path / "out")


def publish_now(store, options, **more) -> tuple[bool, list[str]]:
    lines: list[str] = []
    log = Workspace(store.root).log("publish")
    return publish_logged(options, store, log, lines.append, **more), lines


def only_state(store):
    [state] = json.loads((store.root / "published.json").read_text()).values()
    return state


def test_a_target_that_hangs_is_given_up_and_left_alone_for_a_while(store, hanging, monkeypatch):
    monkeypatch.setattr(publish_process, "TIME_LIMIT", 4)
    start = time.monotonic()
    is_complete, [line] = publish_now(store, hanging)
    assert not is_complete
    assert time.monotonic() - start < 30
    assert "out: not published: it took longer than 4 seconds." in line
    assert only_state(store)["problem"] == "it took longer than 4 seconds"
    start = time.monotonic()
    _, [line] = publish_now(store, hanging)
    assert "not published, as it failed just now" in line
    assert time.monotonic() - start < 1


def test_by_hand_a_target_that_failed_is_tried_at_once(store, tmp_path):
    options = PublishOptions(bundles=tmp_path / "out")
    (tmp_path / "out").write_text("in the way")
    assert not publish_now(store, options)[0]
    (tmp_path / "out").unlink()
    assert not publish_now(store, options)[0]
    assert publish_now(store, options, by_hand=True)[0]
    assert only_state(store)["failed_at"] == 0


def test_a_second_publisher_does_not_wait(store, tmp_path):
    handle = lock_file(store.root / ".publishing")
    with open(handle, "rb"):  # noqa: PTH123
        is_complete, [line] = publish_now(store, PublishOptions(bundles=tmp_path / "out"))
    assert not is_complete
    assert "another command publishes from this workspace" in line


def test_nothing_waits_for_a_target_to_get_the_workspace(store, hanging, monkeypatch):
    monkeypatch.setattr(publish_process, "TIME_LIMIT", 4)
    workspace, log = Workspace(store.root), Workspace(store.root).log("publish")
    lines: list[str] = []
    ended = threading.Event()

    def run() -> None:
        with published_at_end(hanging, store, log, lines.append), workspace.lock():
            ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ended.wait(10)
    time.sleep(0.5)
    with workspace.lock():
        assert thread.is_alive()
    thread.join()
    assert "it took longer than" in lines[-1]


def test_a_log_that_cannot_be_opened_is_told_and_publishing_goes_on(store, tmp_path, capsys):
    shutil.rmtree(store.root / "logs", ignore_errors=True)
    (store.root / "logs").mkdir()
    (store.root / "logs" / "publish.log").mkdir()
    config = store.root / "runs" / "20240101-000000" / "config.yaml"
    config.write_text(f"data: /data\nname: {NAME}\npublish:\n  bundles: {tmp_path}/out\n")
    publish_change(store.root, NAME)
    assert "publish.log cannot be written: Is a directory" in capsys.readouterr().err
    assert (tmp_path / "out" / "pets-1.tar").exists()


def test_what_fails_in_publishing_does_not_replace_the_error_of_a_run(store, tmp_path):
    (store.root / ".publishing").mkdir()
    lines: list[str] = []
    options, log = PublishOptions(bundles=tmp_path / "out"), tmp_path / "log"
    with (
        pytest.raises(RuntimeError, match="the disk failed"),
        published_at_end(options, store, log, lines.append),
    ):
        raise RuntimeError("the disk failed")
    [line] = lines
    assert line.startswith("not published: ")


def test_what_looks_like_a_token_is_masked_in_the_log_of_publishing(store, tmp_path):
    done, _, log = publish_with_token(store, bundles=tmp_path / "?token=hunter22" / "out")
    assert not done
    assert "?token=(masked)" in log
    assert "hunter22" not in log


def test_a_token_in_the_address_of_a_server_that_hangs_up_is_written_nowhere(store):
    pytest.importorskip("mlflow")
    with hanging_up() as port:  # the libraries try again, and log the address each time
        uri = f"http://127.0.0.1:{port}/?token=hunter22"
        done, lines, log = publish_with_token(store, mlflow=uri)
    assert not done
    assert "?token=(masked)" in log
    assert "hunter22" not in log + "".join(lines)


def publish_with_token(store, **targets) -> tuple[bool, list[str], str]:
    """Publish; return whether all is done, the lines, and the log."""
    done, lines = publish_now(store, PublishOptions(**targets))
    return done, lines, Workspace(store.root).log("publish").read_text()


@contextlib.contextmanager
def hanging_up() -> Iterator[int]:
    """A server that takes connections, and closes each without a response; yield its port."""

    class HangUp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), HangUp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()

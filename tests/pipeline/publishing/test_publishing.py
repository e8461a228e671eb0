"""Publishing what the targets lack; the target here is a real folder of bundles."""

import json
import shutil
import sys

import pytest
from served_versions import NAME, serve_version

from components.pusher.version_store import VersionStore
from pipeline.config.publish_options import PublishOptions
from pipeline.publishing.publish_at_end import (
    publish_change,
    published_at_end,
    read_publish_options,
)
from pipeline.publishing.publish_process import publish_logged
from pipeline.publishing.publishing import publish
from pipeline.workspace import Workspace
from trainer_module.contract.errors import InputError


@pytest.fixture(name="store")
def _store(tmp_path) -> VersionStore:
    serve_version(tmp_path / "workspace")
    return serve_version(tmp_path / "workspace", 2)


def bundles(tmp_path):
    return sorted(path.name for path in (tmp_path / "bundles").glob("*.tar"))


def options(tmp_path, **more):
    return PublishOptions(bundles=tmp_path / "bundles", **more)


def only_state(store):
    [state] = json.loads((store.root / "published.json").read_text()).values()
    return state


def test_every_version_is_published_and_once_only(store, tmp_path):
    lines = []
    assert publish(options(tmp_path), store, lines.append)
    assert lines == [f"bundles in {tmp_path}/bundles: published versions 1 and 2"]
    assert bundles(tmp_path) == ["pets-1.tar", "pets-2.tar"]
    lines.clear()
    assert publish(options(tmp_path), store, lines.append)
    assert lines == []


def test_a_bundle_that_is_gone_is_written_again_because_the_disk_may_be_another_one(
    store, tmp_path
):
    publish(options(tmp_path), store, print)
    shutil.rmtree(tmp_path / "bundles")
    lines = []
    assert publish(options(tmp_path), store, lines.append)
    assert lines == [f"bundles in {tmp_path}/bundles: published versions 1 and 2"]
    assert (tmp_path / "bundles" / "pets-serving.txt").read_text() == "2\n"


def test_a_disk_that_is_not_mounted_is_a_failure_and_nothing_is_created(store, tmp_path):
    lines = []
    disk = tmp_path / "usb"
    assert not publish(PublishOptions(bundles=disk / "bundles"), store, lines.append)
    assert f"{disk} does not exist. Mount its disk" in lines[-1]
    assert not disk.exists()


@pytest.mark.parametrize("of_another", [False, True])
def test_a_file_that_is_no_bundle_of_the_version_is_never_replaced(store, tmp_path, of_another):
    path = tmp_path / "bundles" / "pets-1.tar"
    path.parent.mkdir()
    if of_another:
        other = serve_version(tmp_path / "other", digest="f" * 64)
        publish(options(tmp_path), other, print)
    else:
        path.write_text("mine")
    before = path.read_bytes()
    lines = []
    assert not publish(options(tmp_path), store, lines.append)
    assert f"{path} is no bundle of this version, and is not replaced" in lines[-1]
    assert path.read_bytes() == before
    assert bundles(tmp_path) == ["pets-1.tar", "pets-2.tar"]


def test_a_bundle_with_an_earlier_report_is_replaced(store, tmp_path):
    publish(options(tmp_path), store, print)
    path = tmp_path / "bundles" / "pets-2.tar"
    before = path.read_bytes()
    (store.root / "runs" / "20240101-000001" / "report.html").write_text("a later report")
    assert publish(options(tmp_path), store, print, afresh=True)
    assert path.read_bytes() != before


def test_after_a_rollback_a_file_names_the_version_that_serves(store, tmp_path):
    publish(options(tmp_path), store, print)
    store.roll_back()
    assert publish(options(tmp_path), store, print)
    assert bundles(tmp_path) == ["pets-1.tar", "pets-2.tar"]
    assert (tmp_path / "bundles" / "pets-serving.txt").read_text() == "1\n"


def test_where_the_state_is_lost_or_damaged_everything_is_published_again(store, tmp_path):
    publish(options(tmp_path), store, print)
    before = (tmp_path / "bundles" / "pets-2.tar").stat().st_mtime_ns
    for damage in (b"", b"{"):
        (store.root / "published.json").write_bytes(damage)
        assert publish(options(tmp_path), store, print)
        assert (tmp_path / "bundles" / "pets-2.tar").stat().st_mtime_ns == before
        assert set(only_state(store)["versions"]) == {"1", "2"}


def test_a_failed_target_is_told_and_the_next_call_publishes(store, tmp_path):
    (tmp_path / "bundles").write_text("a file is in the way")
    lines = []
    assert not publish(options(tmp_path), store, lines.append)
    [line] = lines
    assert "bundles: not published: output folder" in line
    assert line.endswith("carryover publish at once.")
    assert only_state(store)["problem"].startswith("output folder")
    assert store.versions() == [1, 2]
    (tmp_path / "bundles").unlink()
    assert publish(options(tmp_path), store, lines.append)
    assert bundles(tmp_path) == ["pets-1.tar", "pets-2.tar"]
    assert only_state(store)["problem"] == ""


def test_a_damaged_version_does_not_keep_others_from_being_published(store, tmp_path):
    (store.path(1) / "saved_model.pb").unlink()
    lines = []
    assert not publish(options(tmp_path), store, lines.append)
    assert bundles(tmp_path) == ["pets-2.tar"]
    assert "saved_model.pb is missing" in lines[-1]


def test_one_target_that_fails_does_not_keep_the_other_from_being_used(
    store, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    uri = "http://me:hunter2@localhost:5000"
    lines = []
    assert not publish(options(tmp_path, mlflow=uri), store, lines.append)
    assert bundles(tmp_path) == ["pets-1.tar", "pets-2.tar"]
    assert "mlflow-skinny is not installed" in lines[-1]
    assert "hunter2" not in "".join(lines) + (store.root / "published.json").read_text()


def test_without_a_target_nothing_is_written(store):
    log = Workspace(store.root).log("publish")
    assert publish_logged(PublishOptions(), store, log, print)
    assert not log.exists()
    assert not (store.root / "published.json").exists()


@pytest.mark.parametrize(
    ("error", "is_published"),
    [(RuntimeError, True), (InputError, False), (KeyboardInterrupt, False)],
)
def test_a_failed_run_publishes_what_is_there_and_bad_input_writes_nothing(
    store, tmp_path, error, is_published
):
    log = Workspace(store.root).log("publish")
    with (
        pytest.raises(error),
        published_at_end(options(tmp_path), store, log, print),
    ):
        raise error
    assert (tmp_path / "bundles").exists() == log.exists() == is_published


def test_a_version_that_was_removed_is_forgotten(store, tmp_path):
    publish(options(tmp_path), store, print)
    store.roll_back()
    publish(options(tmp_path), store, print)
    assert set(only_state(store)["versions"]) == {"1"}


def test_a_change_is_published_by_the_config_of_the_serving_versions_run(store, tmp_path, capsys):
    config = store.root / "runs" / "20240101-000001" / "config.yaml"
    config.write_text(f"data: /data\nname: {NAME}\npublish:\n  bundles: {tmp_path}/bundles\n")
    publish_change(store.root, NAME)
    assert bundles(tmp_path) == ["pets-1.tar", "pets-2.tar"]
    assert "published versions 1 and 2" in capsys.readouterr().err


def test_without_a_config_a_change_is_told_only_where_something_was_published(store, capsys):
    (store.root / "runs" / "20240101-000001" / "config.yaml").unlink()
    publish_change(store.root, NAME)
    assert capsys.readouterr().err == ""
    (store.root / "published.json").write_text("{}")
    publish_change(store.root, NAME)
    assert "carryover: not published: config of run" in capsys.readouterr().err


def test_a_target_that_was_named_by_hand_and_has_another_serving_version_is_told(store, capsys):
    config = store.root / "runs" / "20240101-000001" / "config.yaml"
    config.write_text(f"data: /data\nname: {NAME}\n")
    state = {"versions": {}, "runs": [], "serving": 3, "problem": ""}
    content = {f"{NAME}: MLflow http://a:1": state, "other: MLflow http://b:1": state}
    (store.root / "published.json").write_text(json.dumps(content))
    publish_change(store.root, NAME)
    assert capsys.readouterr().err.splitlines() == [
        "carryover: MLflow http://a:1: unchanged, as no config names this target. Its alias "
        "`serving` still names version 3, not 2; change that with: carryover publish --workspace "
        f"{store.root} --set publish.mlflow=URI"
    ]


@pytest.mark.parametrize("named", ["nothing", "another folder", "the folder"])
def test_a_rollback_says_what_a_target_that_was_named_by_hand_still_has(
    store, tmp_path, capsys, named
):
    folders = {"another folder": tmp_path / "others", "the folder": tmp_path / "bundles"}
    bundle = folders.get(named, "null")
    for config in (store.root / "runs").glob("*/config.yaml"):
        config.write_text(f"data: /data\nname: {NAME}\npublish: {{bundles: {bundle}}}\n")
    publish(options(tmp_path), store, print)
    store.roll_back()
    capsys.readouterr()
    publish_change(store.root, NAME)
    told = (
        f"bundles in {tmp_path}/bundles: unchanged, as no config names this target. Its file "
        "pets-serving.txt still names version 2, not 1; change that with: carryover publish "
        f"--workspace {store.root} --set publish.bundles={tmp_path}/bundles\n"
    )
    assert (told in capsys.readouterr().err) == (named != "the folder")
    serving = (tmp_path / "bundles" / "pets-serving.txt").read_text()
    assert serving == ("1\n" if named == "the folder" else "2\n")


@pytest.mark.parametrize("uri", ["localhost:5000", "/folder", "://", "http://"])
def test_what_is_no_uri_is_refused(uri):
    with pytest.raises(ValueError, match="must be a URI, such as http://host:5000"):
        PublishOptions(mlflow=uri)


def test_a_config_with_the_targets_alone_is_enough(store, tmp_path):
    path = tmp_path / "publish.yaml"
    path.write_text(f"publish: {{bundles: {tmp_path / 'bundles'}}}\n")
    assert read_publish_options(store, path).bundles == tmp_path / "bundles"

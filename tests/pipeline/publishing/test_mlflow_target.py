"""Runs and versions in MLflow's own stores, and where CARRYOVER_MLFLOW names one, on a server."""

import json
import os
from pathlib import Path

import pytest
from served_versions import DOMAINS, FILES, NAME, SECRET, serve_version, write_run
from tiny_models import ColourModel, save_model
from tiny_pictures import solid

from components.pusher.version_store import VersionStore
from pipeline.config.publish_options import PublishOptions
from pipeline.publishing import mlflow_target
from pipeline.publishing.mlflow_target import MlflowTarget
from pipeline.publishing.publishing import publish

mlflow = pytest.importorskip("mlflow")

pytestmark = pytest.mark.component

SERVER = os.environ.get("CARRYOVER_MLFLOW")
HOSTILE = "night/<b>$(x)`é"


@pytest.fixture(name="uri", params=["file", "server"])
def _uri(request, tmp_path, monkeypatch) -> str:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    if request.param == "file":
        return (tmp_path / "store").as_uri()
    if not SERVER:
        pytest.skip("CARRYOVER_MLFLOW names no server")
    return SERVER


@pytest.fixture(name="store")
def _store(tmp_path, uri, monkeypatch) -> VersionStore:
    """Two versions; the models of a server's registry have names of their own."""
    monkeypatch.setattr("served_versions.NAME", f"{NAME}-{tmp_path.parent.name}-{tmp_path.name}")
    model = save_model(tmp_path / "model", ColourModel())
    (model / "assets.extra" / "model.json").write_bytes(FILES["assets.extra/model.json"])
    (model / "assets.extra" / "pictures.parquet").write_bytes(b"PLANTED PATHS")
    (model / "assets.extra" / "statistics").mkdir()
    (model / "assets.extra" / "statistics" / "Stats.pb").write_bytes(b"PLANTED STATISTICS")
    serve_version(tmp_path / "workspace", model=model)
    domains = DOMAINS | {HOSTILE: {"accuracy": 0.5}}
    return serve_version(tmp_path / "workspace", 2, model=model, domains=domains)


@pytest.fixture(name="client")
def _client(uri):
    return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)


def publish_all(uri, store, **more) -> list[str]:
    lines: list[str] = []
    publish(PublishOptions(mlflow=uri), store, lines.append, **more)
    return lines


def registered(client, store):
    found = client.search_model_versions(f"name='{store.name}'")
    return {one.tags["carryover.version"]: one for one in found}


def tracked(client, store):
    experiment = client.get_experiment_by_name(store.name)
    return client.search_runs([experiment.experiment_id])


def test_versions_are_registered_with_lineage_and_the_alias_is_on_the_serving_one(
    uri, store, client
):
    assert publish_all(uri, store) == [f"MLflow {uri}: published versions 1 and 2"]
    versions = registered(client, store)
    assert set(versions) == {"1", "2"}
    tags = versions["2"].tags
    assert tags["carryover.digest"] == store.read_push(2).digest
    assert tags["carryover.baseline_version"] == "1"
    assert tags["carryover.run_id"] == "20240101-000001"
    assert tags["accuracy/day"] == "0.9000"
    assert [value for key, value in tags.items() if key.startswith("accuracy/night_")] == ["0.5000"]
    alias = client.get_model_version_by_alias(store.name, "serving")
    assert alias.version == versions["2"].version


def test_a_registered_version_predicts_by_its_signature(uri, store, client, monkeypatch):
    import pandas as pd

    publish_all(uri, store)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    loaded = mlflow.pyfunc.load_model(f"models:/{store.name}@serving")
    assert [one["name"] for one in loaded.metadata.signature.inputs.to_dict()] == ["image"]
    outputs = {one["name"]: one["type"] for one in loaded.metadata.signature.outputs.to_dict()}
    assert outputs == {"confidence": "float", "label": "string", "probabilities": "array"}
    answers = loaded.predict(pd.DataFrame({"image": [solid("blue"), solid("red")]}))
    assert list(answers["label"]) == [b"blue", b"red"]


def test_a_second_call_adds_nothing_even_where_the_state_is_lost(uri, store, client):
    publish_all(uri, store)
    (store.root / "published.json").unlink()
    publish_all(uri, store)
    assert len(registered(client, store)) == 2
    assert len(client.search_model_versions(f"name='{store.name}'")) == 2
    assert len(tracked(client, store)) == 2


def test_where_all_is_published_the_server_is_not_asked(uri, store, monkeypatch):
    publish_all(uri, store)
    monkeypatch.setattr(MlflowTarget, "_client", None)
    assert publish_all(uri, store) == []


@pytest.mark.parametrize("step", ["create_model_version", "set_terminated", "log_artifact"])
def test_a_call_that_ended_in_the_middle_is_completed_by_the_next(
    uri, store, client, step, monkeypatch
):
    def fail(*_, **__):
        raise ConnectionError("the line is down")

    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, step, fail)
        [line] = publish_all(uri, store)
    assert "not published: the line is down. A run" in line
    publish_all(uri, store)
    assert set(registered(client, store)) == {"1", "2"}
    assert len(client.search_model_versions(f"name='{store.name}'")) == 2
    assert [run.info.status for run in tracked(client, store)] == ["FINISHED", "FINISHED"]


def test_a_rollback_moves_the_alias_back(uri, store, client):
    publish_all(uri, store)
    store.roll_back()
    assert publish_all(uri, store) == [f"MLflow {uri}: version 1 is the serving version"]
    alias = client.get_model_version_by_alias(store.name, "serving")
    assert alias.tags["carryover.version"] == "1"


def test_a_model_that_is_pushed_again_after_a_rollback_is_registered_again(
    uri, store, client, tmp_path
):
    publish_all(uri, store)
    push = store.read_push(2)
    store.roll_back()
    store.push(tmp_path / "model", push)
    assert publish_all(uri, store)[0] == f"MLflow {uri}: published version 3"
    assert set(registered(client, store)) == {"1", "2", "3"}
    alias = client.get_model_version_by_alias(store.name, "serving")
    assert alias.tags["carryover.version"] == "3"


def test_what_was_deleted_in_mlflow_is_registered_again_by_hand(uri, store, client):
    publish_all(uri, store)
    client.delete_registered_model(store.name)
    assert publish_all(uri, store, afresh=True) == [f"MLflow {uri}: published versions 1 and 2"]
    alias = client.get_model_version_by_alias(store.name, "serving")
    assert alias.tags["carryover.version"] == "2"


def test_runs_are_tracked_with_options_metrics_and_their_status(uri, store, client):
    write_run(
        store.root, "20240102-030405", status="failed", pushed_version=None, reasons=["no disk"]
    )
    publish_all(uri, store)
    runs = {run.info.run_name: run for run in tracked(client, store)}
    assert len(runs) == 3
    failed, good = runs["20240102-030405"], runs["20240101-000000"]
    assert (failed.info.status, good.info.status) == ("FAILED", "FINISHED")
    assert failed.data.tags["mlflow.note.content"] == "- no disk"
    assert good.data.metrics["accuracy/day"] > 0
    assert good.data.metrics["seconds/total"] > 0
    assert good.data.params["data"] == "s3://me:(masked)@host/pictures"
    assert good.info.start_time == 1704067200000  # 2024-01-01 00:00:00 UTC


def test_a_damaged_run_does_not_keep_versions_from_being_registered(uri, store, client):
    folder = write_run(store.root, "20240102-030405")
    (folder / "summary.json").write_text("{")
    lines = publish_all(uri, store)
    assert "summary" in lines[-1]
    assert "is damaged" in lines[-1]
    alias = client.get_model_version_by_alias(store.name, "serving")
    assert alias.tags["carryover.version"] == "2"
    assert len(tracked(client, store)) == 2


def test_neither_credentials_nor_training_data_are_sent(store, uri, tmp_path):
    publish_all(uri, store)
    if not uri.startswith("file:"):
        pytest.skip("the files of a server are elsewhere")
    content = b"".join(path.read_bytes() for path in _files(tmp_path / "store"))
    assert b"carryover.digest" in content
    assert SECRET.encode() not in content
    assert b"PLANTED" not in content


@pytest.mark.parametrize("uri", ["server"], indirect=True)
def test_a_password_in_the_uri_is_written_nowhere(store, uri, capfd, monkeypatch):
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "")  # the code sets it, and this restores it
    for host in (uri.removeprefix("http://"), "127.0.0.1:1"):
        publish_all(f"http://me:{SECRET}@{host}", store)
        assert os.environ["MLFLOW_TRACKING_PASSWORD"] == SECRET
    written = b"".join(
        path.read_bytes() for path in _files(store.root) if path.name != "config.yaml"
    )
    assert b"MLflow http://me:(masked)@" in written
    assert SECRET.encode() not in written
    assert SECRET not in "".join(capfd.readouterr())


def test_an_unavailable_server_is_told_and_ends_soon(store, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    [line] = publish_all("http://127.0.0.1:1", store)
    assert "MLflow http://127.0.0.1:1: not published: " in line
    [state] = json.loads((store.root / "published.json").read_text()).values()
    assert state["problem"]


def test_names_are_accepted_and_stay_different():
    names = [mlflow_target._name(f"accuracy/{one}") for one in ("a/b", "a_b", "a:b", "day", "..")]
    assert len(set(names)) == 5
    assert "accuracy/day" in names


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]

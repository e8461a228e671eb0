"""The cluster that TF_CONFIG describes."""

import json

import pytest

from trainer_module.contract.errors import InputError
from trainer_module.multi_worker.tf_config import Cluster, read_cluster


def set_cluster(monkeypatch, cluster: dict, role: str, index: int) -> None:
    task = {"type": role, "index": index}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))


def test_without_the_variable_a_process_trains_alone(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert read_cluster() == Cluster((), "", True)
    assert not read_cluster().is_distributed
    assert (read_cluster().index, read_cluster().processes_on_host) == (0, 1)


def test_the_chief_comes_first(monkeypatch):
    cluster = {"worker": ["two:1", "three:1"], "chief": ["one:1"], "ps": ["four:1"]}
    set_cluster(monkeypatch, cluster, "chief", 0)
    assert read_cluster() == Cluster(("one:1", "two:1", "three:1"), "one:1", True)
    set_cluster(monkeypatch, cluster, "worker", 0)
    assert read_cluster() == Cluster(("one:1", "two:1", "three:1"), "two:1", False)


def test_without_a_chief_the_first_worker_is_the_chief(monkeypatch):
    for index, is_chief in enumerate((True, False)):
        set_cluster(monkeypatch, {"worker": ["one:1", "two:1"]}, "worker", index)
        assert read_cluster().is_chief is is_chief


def test_processes_on_the_same_host_are_counted(monkeypatch):
    set_cluster(monkeypatch, {"worker": ["one:1", "two:1", "one:2"]}, "worker", 2)
    assert read_cluster().processes_on_host == 2
    assert read_cluster().index == 2


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"cluster": []}',
        '{"cluster": {"worker": ["one:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["one:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {"worker": ["one:1"]}, "task": {"index": 0}}',
    ],
)
def test_a_malformed_variable_is_refused_and_shown(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match="TF_CONFIG must be JSON") as caught:
        read_cluster()
    assert text in str(caught.value)

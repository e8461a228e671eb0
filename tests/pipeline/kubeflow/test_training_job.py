"""The manifest that `carryover compile --engine training-job` writes."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from kubernetes import client
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.config.config_file import load_config
from pipeline.config.run_config import RunConfig
from trainer_module.contract.errors import InputError

SETTINGS = (
    "name=shapes",
    "image_size=64",
    "kubeflow.image=registry.example/carryover:1-gpu",
    "kubeflow.volumes={carryover: /mnt/carryover}",
    "kubeflow.cpu={default: 1, Trainer: 8}",
    "kubeflow.memory={default: 12.5}",
    "kubeflow.gpu_count=2",
    "kubeflow.workers=3",
    "kubeflow.retries=4",
    "kubeflow.env={HTTPS_PROXY: 'http://proxy:3128'}",
    "kubeflow.secrets={AWS_SECRET_ACCESS_KEY: store/secretkey}",
)


def compile_job(output: Path, *overrides: str, options: tuple[str, ...] = ()) -> Any:
    arguments = ["compile", "--engine", "training-job", "--output", str(output), *options]
    arguments += ["--data", "/mnt/carryover/pictures", "--workspace", "/mnt/carryover/models"]
    for override in (*SETTINGS, *overrides):
        arguments += ["--set", override]
    return CliRunner().invoke(app, arguments)


def test_the_pods_are_placed_and_marked_as_the_config_says(tmp_path):
    overrides = (
        "kubeflow.labels={team: vision}",
        "kubeflow.annotations={note: night}",
        "kubeflow.node_selector={Trainer: {gpu: a100}, default: {pool: cpu}}",
        "kubeflow.tolerations={default: [{key: gpu, value: a, effect: NoSchedule}]}",
        "kubeflow.image_pull_secrets=[registry]",
        "kubeflow.service_account=trainer",
    )
    assert compile_job(tmp_path / "job.yaml", *overrides).exit_code == 0
    documents = list(yaml.safe_load_all((tmp_path / "job.yaml").read_text()))
    for role, replicas in documents[1]["spec"]["tfReplicaSpecs"].items():
        metadata = {"labels": {"team": "vision"}, "annotations": {"note": "night"}}
        assert replicas["template"]["metadata"] == metadata
        spec = pod(documents, role)
        assert spec.node_selector == {"gpu": "a100"}
        [toleration] = spec.tolerations
        assert (toleration.key, toleration.operator) == ("gpu", "Equal")
        assert (toleration.value, toleration.effect) == ("a", "NoSchedule")
        assert [secret.name for secret in spec.image_pull_secrets] == ["registry"]
        assert spec.service_account_name == "trainer"


@pytest.fixture(scope="module")
def documents(tmp_path_factory) -> list[dict[str, Any]]:
    output = tmp_path_factory.mktemp("job") / "job.yaml"
    result = compile_job(output)
    assert result.exit_code == 0, result.exception
    return list(yaml.safe_load_all(output.read_text()))


def pod(documents: list[dict[str, Any]], role: str) -> client.V1PodSpec:
    """Pod of a role, parsed by Kubernetes' own client, which would drop unknown keys."""
    template = documents[1]["spec"]["tfReplicaSpecs"][role]["template"]
    api = client.ApiClient()
    read = api.deserialize(SimpleNamespace(data=json.dumps(template)), "V1PodTemplateSpec")
    assert api.sanitize_for_serialization(read) == template
    return read.spec


def test_one_pod_is_the_chief_and_the_others_are_workers(documents):
    job = documents[1]
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v1", "TFJob")
    assert job["spec"]["runPolicy"] == {"cleanPodPolicy": "Running", "backoffLimit": 4}
    roles = job["spec"]["tfReplicaSpecs"]
    assert {role: one["replicas"] for role, one in roles.items()} == {"Chief": 1, "Worker": 2}
    # A run whose model is not blessed must not be restarted.
    assert {one["restartPolicy"] for one in roles.values()} == {"ExitCode"}
    commands = {role: pod(documents, role).containers[0].command for role in roles}
    assert commands == {
        "Chief": ["carryover", "run", "--config", "/etc/carryover/config.yaml"],
        "Worker": ["carryover", "join", "--workspace", "/mnt/carryover/models"],
    }


@pytest.mark.parametrize("role", ["Chief", "Worker"])
def test_every_pod_has_the_resources_variables_and_volumes_of_the_config(role, documents):
    [container] = pod(documents, role).containers
    assert container.name == "tensorflow"  # the operator requires this name
    assert container.image == "registry.example/carryover:1-gpu"
    assert container.resources.requests == {"cpu": "8", "memory": "12.5G"}
    assert container.resources.limits == {"nvidia.com/gpu": "2"}
    assert container.env[0].value == "http://proxy:3128"
    secret = container.env[1].value_from.secret_key_ref
    assert (secret.name, secret.key) == ("store", "secretkey")
    assert container.volume_mounts[0].mount_path == "/mnt/carryover"
    assert pod(documents, role).volumes[0].persistent_volume_claim.claim_name == "carryover"


def test_the_chief_reads_the_config_of_the_run_from_a_mounted_config_map(documents, tmp_path):
    config_map = client.ApiClient().deserialize(
        SimpleNamespace(data=json.dumps(documents[0])), "V1ConfigMap"
    )
    [volume] = [one for one in pod(documents, "Chief").volumes if one.config_map]
    assert volume.config_map.name == config_map.metadata.name
    [(name, text)] = config_map.data.items()
    (tmp_path / name).write_text(text)
    read: RunConfig = load_config(tmp_path / name, [], {})
    assert (read.name, read.image_size) == ("shapes", 64)
    assert str(read.workspace) == "/mnt/carryover/models"


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("kubeflow.image=null", "'kubeflow.image' is missing"),
        ("name=Shapes", "up to 48 small letters"),
        ("name=7-shapes", "up to 48 small letters"),
        ("kubeflow.volumes={}", "is not on a volume"),
    ],
)
def test_a_config_that_the_pods_cannot_use_is_refused(override, words, tmp_path):
    result = compile_job(tmp_path / "job.yaml", override)
    assert isinstance(result.exception, InputError)
    assert words in str(result.exception)


def test_a_baseline_cannot_be_chosen(tmp_path):
    result = compile_job(tmp_path / "job.yaml", options=("--baseline", "newest"))
    assert "Leave out --baseline" in str(result.exception)


def test_a_config_with_credentials_is_a_secret_and_their_keys_are_named(tmp_path):
    output = tmp_path / "job.yaml"
    overrides = ("notify.command=[curl, hunter2]", "kubeflow.env={API_TOKEN: hunter2, HOME: /a}")
    result = compile_job(output, *overrides)
    assert result.exit_code == 0, result.exception
    stored, job = yaml.safe_load_all(output.read_text())
    assert (stored["kind"], stored["metadata"]["name"]) == ("Secret", "shapes-config")
    assert "hunter2" in stored["stringData"]["config.yaml"]
    [volume] = [one for one in pod([stored, job], "Chief").volumes if one.secret]
    assert volume.secret.secret_name == stored["metadata"]["name"]
    assert output.stat().st_mode & 0o777 == 0o600
    [warning] = [line for line in result.output.splitlines() if "in plain text" in line]
    assert "kubeflow.env.API_TOKEN. Everyone" in warning
    assert "hunter2" not in result.output

"""The file that `carryover compile` writes for Kubeflow Pipelines."""

import importlib.util
import json
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from google.protobuf import json_format
from kfp.components import load_component_from_file
from kfp.kubernetes import kubernetes_executor_config_pb2
from strange_names import LITERAL, PATTERNS
from tfx.components import InfraValidator
from tfx.dsl.components.common.importer import Importer
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import infra_validator_pb2
from tfx.types import Channel, standard_artifacts

from pipeline.config.config_file import load_config
from pipeline.config.kubeflow_options import Step
from pipeline.config.run_config import RunConfig
from pipeline.kubeflow.config_check import check_pipeline_config
from pipeline.kubeflow.pipeline_compiler import compile_pipeline, placeholder_pipeline
from pipeline.kubeflow.pipeline_spec import compile_pipeline_spec
from trainer_module.contract.errors import InputError

pytestmark = pytest.mark.component

SETTINGS = [
    "image_size=64",
    "kubeflow.image=registry.example/carryover:1",
    "kubeflow.pipeline_root=minio://bucket/carryover",
    "kubeflow.volumes={carryover: /mnt/carryover}",
    "kubeflow.cpu={default: 1, Trainer: 8}",
    "kubeflow.memory={Trainer: 16}",
    "kubeflow.gpu_count=2",
    "kubeflow.env={HTTPS_PROXY: 'http://proxy:3128'}",
    "kubeflow.secrets={AWS_SECRET_ACCESS_KEY: store/secretkey}",
]
INBOX = "retrain.inbox=/mnt/carryover/inbox"
FLINK = "{runner: flink, options: {flink_master: 'flink:8081', environment_type: DOCKER}}"
PATHS = {"data": "/mnt/carryover/pictures", "workspace": Path("/mnt/carryover/models")}


def config(*overrides: str, **values: Any) -> RunConfig:
    return load_config(None, [*SETTINGS, *overrides], {**PATHS, **values})


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """Compiled pipeline whose runs have a baseline."""
    path = tmp_path_factory.mktemp("compiled") / "pipeline.yaml"
    compile_pipeline(config(), "newest", path)
    return path


@pytest.fixture(scope="module")
def retraining(tmp_path_factory) -> dict[str, Any]:
    """Spec of a compiled pipeline whose runs are passes over the inbox."""
    path = tmp_path_factory.mktemp("compiled") / "retrain.yaml"
    compile_pipeline(config(INBOX), None, path, retrain=True)
    return next(yaml.safe_load_all(path.read_text()))


@pytest.fixture(scope="module")
def documents(file) -> list[Any]:
    return list(yaml.safe_load_all(file.read_text()))


@pytest.fixture(scope="module")
def spec(documents) -> dict[str, Any]:
    return documents[0]


def containers(spec: dict[str, Any]) -> dict[str, Any]:
    """Task -> its container. No executor is anything else."""
    found = {}
    for task, component in spec["components"].items():
        if "dag" in component:
            continue
        executor = spec["deploymentSpec"]["executors"][component["executorLabel"]]
        assert set(executor) == {"container"}
        found[task] = executor["container"]
    return found


def tasks_of(spec: dict[str, Any]) -> dict[str, Any]:
    """Tasks of a run over all pictures, which are one group, and the task that ends it."""
    assert set(spec["root"]["dag"]["tasks"]) == {"Run", "Finish"}
    return dict(spec["components"]["Run"]["dag"]["tasks"])


def test_kfp_loads_the_parameters_of_a_run_with_their_types_and_defaults(file):
    loaded = load_component_from_file(str(file)).component_spec
    found = {name: (one.type, one.default) for name, one in loaded.inputs.items()}
    assert found == {
        "data": ("String", "/mnt/carryover/pictures"),
        "image_size": ("Integer", 64),
        "seed": ("Integer", 17),
        "baseline_uri": ("String", "newest"),
    }


def test_every_step_is_one_container(spec, retraining):
    steps = {*containers(spec), *containers(retraining)}
    assert {*steps, "default"} == set(get_args(Step))
    assert {one["image"] for one in containers(spec).values()} == {"registry.example/carryover:1"}
    assert spec["defaultPipelineRoot"] == "minio://bucket/carryover"
    assert spec["schemaVersion"] == "2.1.0"


def test_every_step_runs_a_program_of_this_package(spec, retraining):
    both = [*containers(spec).values(), *containers(retraining).values()]
    commands = [one["command"] for one in both]
    assert {tuple(command[:2]) for command in commands} == {("python", "-m")}
    assert {importlib.util.find_spec(command[2]).name for command in commands} == {
        "pipeline.kubeflow.programs.fetch_model",
        "pipeline.kubeflow.programs.finish_run",
        "pipeline.kubeflow.programs.prepare_run",
        "pipeline.kubeflow.programs.run_component",
        "pipeline.kubeflow.programs.run_pass",
        "pipeline.kubeflow.programs.summarise_run",
    }


def test_components_take_every_parameter_from_the_preparation(spec):
    outputs = spec["components"]["Preparation"]["outputDefinitions"]["parameters"]
    tasks = tasks_of(spec)
    del tasks["Preparation"]
    for task, body in tasks.items():
        for name, source in body["inputs"].get("parameters", {}).items():
            reference = source["taskOutputParameter"]
            assert reference["producerTask"] == "Preparation"
            definition = spec["components"][task]["inputDefinitions"]["parameters"][name]
            assert outputs[reference["outputParameterKey"]] == definition


def test_the_pass_chooses_what_follows_and_the_run_is_always_finished(retraining):
    tasks = retraining["root"]["dag"]["tasks"]
    assert tasks["Finish"]["dependentTasks"] == ["Run"]
    assert tasks["Finish"]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    steps = retraining["components"]["Run"]["dag"]["tasks"]
    assert set(steps) == {"Pass", "Training", "Decision"}
    for group in ("Training", "Decision"):
        assert steps[group]["dependentTasks"] == ["Pass"]
        condition = f"inputs.parameter_values['next'] == '{group}'"
        assert steps[group]["triggerPolicy"] == {"condition": condition}
    trained, decided = (
        set(retraining["components"][group]["dag"]["tasks"]) for group in ("Training", "Decision")
    )
    assert trained - decided == {"Transform", "Trainer", "Summary"}
    assert decided - trained == {"Candidate", "DecisionSummary"}
    assert set(retraining["root"]["inputDefinitions"]["parameters"]) == {"inbox", "seed"}


def test_steps_that_a_training_and_a_decision_share_are_the_same():
    pipelines = [
        compile_pipeline_spec(placeholder_pipeline(config(INBOX), "newest", one), "image")
        for one in (None, "candidate")
    ]
    shared = set.intersection(*(set(spec["components"]) for spec in pipelines))
    assert {"Evaluator", "Pusher", "DataGate"} < shared
    for name in shared:
        assert pipelines[0]["components"][name] == pipelines[1]["components"][name]
        executors = [one["deploymentSpec"]["executors"][f"{name}_executor"] for one in pipelines]
        assert executors[0] == executors[1] or name == "Baseline"


@pytest.mark.parametrize("group", ["Training", "Decision"])
def test_a_group_hands_every_parameter_on_with_its_type(retraining, group):
    outputs = retraining["components"]["Pass"]["outputDefinitions"]["parameters"]
    inputs = retraining["components"][group]["inputDefinitions"]["parameters"]
    assert inputs.items() <= outputs.items()
    sources = retraining["components"]["Run"]["dag"]["tasks"][group]["inputs"]["parameters"]
    for name, source in sources.items():
        reference = {"producerTask": "Pass", "outputParameterKey": name}
        assert source == {"taskOutputParameter": reference}
    used = set()
    for body in retraining["components"][group]["dag"]["tasks"].values():
        for source in body["inputs"].get("parameters", {}).values():
            used.add(source["componentInputParameter"])
    assert used == set(inputs) - {"next"}


def test_the_pods_get_what_kubernetes_is_to_know_of_them(tmp_path):
    settings = config(
        "kubeflow.labels={team: vision}",
        "kubeflow.annotations={sidecar.istio.io/inject: 'false'}",
        "kubeflow.node_selector={Trainer: {gpu: a100}, default: {pool: cpu}}",
        "kubeflow.tolerations={Trainer: [{key: nvidia.com/gpu, operator: Exists}]}",
        "kubeflow.image_pull_secrets=[registry]",
    )
    compile_pipeline(settings, None, tmp_path / "pods.yaml")
    _, platform = yaml.safe_load_all((tmp_path / "pods.yaml").read_text())
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for pod in executors.values():
        assert pod["podMetadata"] == {
            "labels": {"team": "vision"},
            "annotations": {"sidecar.istio.io/inject": "false"},
        }
        assert pod["imagePullSecret"] == [{"secretName": "registry"}]
    trainer = executors.pop("Trainer_executor")
    assert trainer["nodeSelector"] == {"labels": {"gpu": "a100"}}
    assert trainer["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    assert {str(pod["nodeSelector"]) for pod in executors.values()} == {
        "{'labels': {'pool': 'cpu'}}"
    }
    assert not any("tolerations" in pod for pod in executors.values())


def test_kfps_own_schema_of_the_pods_knows_every_field(tmp_path):
    message = kubernetes_executor_config_pb2.KubernetesExecutorConfig
    if "tolerations" not in message.DESCRIPTOR.fields_by_name:
        pytest.skip("kfp-kubernetes 1.0, the one that fits TFX 1.16, lacks the newer fields")
    settings = config(
        "kubeflow.labels={team: vision}",
        "kubeflow.node_selector={default: {pool: cpu}}",
        "kubeflow.tolerations={default: [{key: gpu, value: a, effect: NoSchedule}]}",
        "kubeflow.image_pull_secrets=[registry]",
    )
    compile_pipeline(settings, None, tmp_path / "pods.yaml")
    _, platform = yaml.safe_load_all((tmp_path / "pods.yaml").read_text())
    for pod in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        assert json_format.MessageToDict(json_format.ParseDict(pod, message())) == pod


def test_a_pipeline_for_a_first_run_has_no_baseline_and_no_parameter_for_it(tmp_path):
    compile_pipeline(config(), None, tmp_path / "first.yaml")
    spec = yaml.safe_load((tmp_path / "first.yaml").read_text().split("\n---\n")[0])
    assert "Baseline" not in spec["components"]
    assert set(spec["root"]["inputDefinitions"]["parameters"]) == {"data", "image_size", "seed"}
    assert "base_model" not in tasks_of(spec)["Trainer"]["inputs"]["artifacts"]


def test_every_step_has_its_resource_requests_and_only_the_trainer_has_gpus(spec):
    resources = {task: one["resources"] for task, one in containers(spec).items()}
    trainer = resources.pop("Trainer")
    gpus = {"type": "nvidia.com/gpu", "count": "2"}
    assert trainer == {"cpuRequest": 8, "memoryRequest": 16, "accelerator": gpus}
    assert all(one == {"cpuRequest": 1} for one in resources.values())


def test_variables_are_in_the_spec_and_secrets_only_by_reference(documents):
    spec, platform = documents
    given = [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}]
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for task, container in containers(spec).items():
        own = [
            {"name": "CARRYOVER_WORKSPACE", "value": "/mnt/carryover/models"},
            {"name": "CARRYOVER_STEP", "value": task},
        ]
        assert container["env"] == given + own
        run = {"name": "CARRYOVER_KUBEFLOW_RUN", "fieldPath": "metadata.labels['pipeline/runid']"}
        assert executors[spec["components"][task]["executorLabel"]] == {
            "fieldPathAsEnv": [run],
            "pvcMount": [{"constant": "carryover", "mountPath": "/mnt/carryover"}],
            "secretAsEnv": [
                {
                    "secretName": "store",
                    "keyToEnv": [{"secretKey": "secretkey", "envVar": "AWS_SECRET_ACCESS_KEY"}],
                }
            ],
        }


def test_failed_steps_are_retried_and_preparation_and_summary_are_never_cached(spec):
    tasks = tasks_of(spec) | {"Finish": spec["root"]["dag"]["tasks"]["Finish"]}
    assert {task["retryPolicy"]["maxRetryCount"] for task in tasks.values()} == {2}
    uncached = {name for name, task in tasks.items() if task["cachingOptions"] == {}}
    assert uncached == {"Preparation", "Summary", "Finish"}


def test_caching_and_retries_can_be_turned_off(tmp_path):
    settings = config("kubeflow.caching=false", "kubeflow.retries=0")
    compile_pipeline(settings, None, tmp_path / "plain.yaml")
    spec = next(yaml.safe_load_all((tmp_path / "plain.yaml").read_text()))
    for task in tasks_of(spec).values():
        assert task["cachingOptions"] == {}
        assert "retryPolicy" not in task


@pytest.mark.parametrize(
    ("overrides", "values", "words"),
    [
        (["kubeflow.image=null"], {}, ["kubeflow.image", "missing"]),
        (["kubeflow.pipeline_root=null"], {}, ["kubeflow.pipeline_root", "missing"]),
        (["kubeflow.pipeline_root=/tmp/a"], {}, ["kubeflow.pipeline_root", "/mnt/carryover"]),
        (["kubeflow.pipeline_root=gs://b/[x]"], {}, ["kubeflow.pipeline_root", "character ["]),
        (["kubeflow.pipeline_root=/mnt/carryover/a*"], {}, ["pipeline_root", "character *"]),
        ([], {"workspace": Path("/mnt/carryover/a?b")}, ["workspace", "character ?"]),
        ([], {"data": "/mnt/carryover/{{$.a}}"}, ["data", "{{", "placeholder"]),
        ([], {"name": "My_Model"}, ["name", "small letters", "My_Model"]),
        ([], {"workspace": Path("workspace")}, ["workspace", "/mnt/carryover"]),
        ([], {"workspace": Path("gs://bucket/w")}, ["workspace", "a local path, not a URI"]),
        ([], {"data": "pictures"}, ["data", "pictures", "/mnt/carryover"]),
        ([f"beam={FLINK}"], {}, ["beam.runner flink", "environment_config"]),
    ],
)
def test_a_config_that_a_step_cannot_use_is_refused_in_one_line(overrides, values, words):
    with pytest.raises(InputError) as error:
        check_pipeline_config(config(*overrides, **values))
    assert "\n" not in str(error.value)
    assert all(word in str(error.value) for word in words)


def test_paths_with_strange_names_reach_the_runs_as_they_are(tmp_path):
    name = "".join((*LITERAL[:-1], *PATTERNS))
    workspace = "".join(LITERAL[:-1])
    paths = {"data": f"/mnt/carryover/{name}", "workspace": Path("/mnt/carryover", workspace)}
    compile_pipeline(config(**paths), None, tmp_path / "pipeline.yaml")
    spec = next(yaml.safe_load_all((tmp_path / "pipeline.yaml").read_text()))
    inputs = spec["root"]["inputDefinitions"]["parameters"]
    assert inputs["data"]["defaultValue"] == f"/mnt/carryover/{name}"
    values = tasks_of(spec)["Preparation"]["inputs"]["parameters"]
    compiled = json.loads(values["config"]["runtimeValue"]["constant"])
    assert compiled["workspace"] == f"/mnt/carryover/{workspace}"


def test_a_retraining_needs_an_inbox_on_a_volume_and_no_data():
    with pytest.raises(InputError, match=r"'retrain.inbox' is missing.*--set retrain.inbox=DIR"):
        check_pipeline_config(config(), retrain=True)
    with pytest.raises(InputError, match=r"'retrain.inbox': /tmp/inbox is not on a volume"):
        check_pipeline_config(config("retrain.inbox=/tmp/inbox"), retrain=True)
    settings = config(INBOX, data="pictures")
    check_pipeline_config(settings, retrain=True)


def test_a_manifest_in_an_object_store_needs_no_volume():
    check_pipeline_config(config(data="gs://bucket/pictures.csv"))


def pipeline_of(*components: Any) -> Pipeline:
    return Pipeline("p", "root", components=list(components))


def test_components_that_kubeflow_cannot_run_are_refused_by_name():
    resolver = Resolver(
        LatestArtifactStrategy, model=Channel(type=standard_artifacts.Model)
    ).with_id("Latest")
    with pytest.raises(InputError, match="component Latest is a Resolver"):
        compile_pipeline_spec(pipeline_of(resolver), "image")
    serving = infra_validator_pb2.ServingSpec()
    model = Importer(source_uri="gs://bucket/model", artifact_type=standard_artifacts.Model)
    validator = InfraValidator(model=model.outputs["result"], serving_spec=serving)
    with pytest.raises(InputError, match=r"cannot run this pipeline.*InfraValidator"):
        compile_pipeline_spec(pipeline_of(model, validator), "image")

"""Training job for Kubeflow's training operator: a run whose training several pods share.

One pod is the chief: it runs the whole pipeline, including the gates and the push. The other pods
are workers: they take part in its training. The operator describes the cluster to every pod in the
environment variable `TF_CONFIG`.
"""

from pathlib import Path
from typing import Any

import yaml

from pipeline import component_ids
from pipeline.config.kubeflow_options import KubeflowOptions
from pipeline.config.parsing.yaml_parser import dump_yaml
from pipeline.config.run_config import RunConfig
from trainer_module.contract.output_text.credentials import masked_settings

Manifest = dict[str, Any]

#: The operator requires these names.
CONTAINER, PORT_NAME, PORT = "tensorflow", "tfjob-port", 2222

CONFIG_FOLDER, CONFIG_FILE = "/etc/carryover", "config.yaml"

#: Restart a pod that was killed. Bad input (exit code 2) or a model that is not blessed (3) is
#: final.
RESTART_POLICY = "ExitCode"


def write_training_job(config: RunConfig, output: Path) -> None:
    """Write the manifest for `kubectl apply`: the config, and a TFJob.

    The config is in a ConfigMap, or in a Secret if it holds anything that may be a credential.

    Args:
        config: Config of the run; `config_check.check_training_job_config` has accepted it.
        output: YAML file to write.
    """
    settings = config.model_dump(mode="json", exclude={"kubeflow"})
    is_secret = masked_settings(settings) != settings
    name = f"{config.name}-config"
    stored = {
        "apiVersion": "v1",
        "kind": "Secret" if is_secret else "ConfigMap",
        "metadata": {"name": name},
        "stringData" if is_secret else "data": {CONFIG_FILE: dump_yaml(settings)},
    }
    source = {"secret": {"secretName": name}} if is_secret else {"configMap": {"name": name}}
    job = _tf_job(config, {"name": name, **source})
    with output.open("w", encoding="utf-8") as file:
        yaml.safe_dump_all([stored, job], file, sort_keys=False, allow_unicode=True)


def _tf_job(config: RunConfig, config_volume: Manifest) -> Manifest:
    chief = ["carryover", "run", "--config", f"{CONFIG_FOLDER}/{CONFIG_FILE}"]
    # Kubernetes replaces $(NAME) in a command, and $$ by $.
    worker = ["carryover", "join", "--workspace", str(config.workspace).replace("$", "$$")]
    options = config.kubeflow
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "TFJob",
        "metadata": {"name": config.name},
        "spec": {
            # Workers wait for the next training until the chief's pod has ended.
            "runPolicy": {"cleanPodPolicy": "Running", "backoffLimit": options.retries},
            "tfReplicaSpecs": {
                "Chief": _replicas(1, chief, options, config_volume),
                "Worker": _replicas(options.workers - 1, worker, options),
            },
        },
    }


def _replicas(
    count: int, command: list[str], options: KubeflowOptions, config: Manifest | None = None
) -> Manifest:
    """Return the pods of one role."""
    mounts = [{"name": claim, "mountPath": path} for claim, path in options.volumes.items()]
    volumes: list[Manifest] = [
        {"name": claim, "persistentVolumeClaim": {"claimName": claim}} for claim in options.volumes
    ]
    if config:
        mounts.append({"name": config["name"], "mountPath": CONFIG_FOLDER})
        volumes.append(config)
    container = {
        "name": CONTAINER,
        "image": options.image,
        "command": command,
        "env": _environment(options),
        "resources": _resources(options),
        "ports": [{"name": PORT_NAME, "containerPort": PORT}],
        "volumeMounts": mounts,
    }
    spec = {"containers": [container], "volumes": volumes, **_placement(options)}
    metadata = {"labels": options.labels, "annotations": options.annotations}
    given = {name: values for name, values in metadata.items() if values}
    template = {**({"metadata": given} if given else {}), "spec": spec}
    return {"replicas": count, "restartPolicy": RESTART_POLICY, "template": template}


def _environment(options: KubeflowOptions) -> list[Manifest]:
    variables: list[Manifest] = [
        {"name": name, "value": value} for name, value in options.env.items()
    ]
    for name, secret, key in options.secret_keys():
        source = {"secretKeyRef": {"name": secret, "key": key}}
        variables.append({"name": name, "valueFrom": source})
    return variables


def _placement(options: KubeflowOptions) -> Manifest:
    """Return on which nodes the pods run, and as whom: the Trainer's options."""
    fields: Manifest = {
        "nodeSelector": options.nodes(component_ids.TRAINER),
        "tolerations": options.tolerated(component_ids.TRAINER),
        "imagePullSecrets": [{"name": name} for name in options.image_pull_secrets],
        "serviceAccountName": options.service_account,
    }
    return {name: value for name, value in fields.items() if value}


def _resources(options: KubeflowOptions) -> Manifest:
    """Return the Trainer's resources: every pod trains."""
    units = {"cpu": "", "memory": "G"}
    amounts = options.requests(component_ids.TRAINER)
    requests = {name: f"{amount:g}{units[name]}" for name, amount in amounts.items()}
    limits = {options.gpu_type: str(options.gpu_count)} if options.gpu_count else {}
    return {"requests": requests, "limits": limits}

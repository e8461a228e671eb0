"""What the config says of machines: requests, GPUs, environment, volumes, retries, caching."""

from typing import Any

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes

from pipeline.config.kubeflow_options import KubeflowOptions
from pipeline.kubeflow.extra_tasks import PREPARATION, SUMMARY, Spec, executor_label

#: Steps whose result depends on more than their inputs: pictures, versions, what became of a run.
NEVER_CACHED = (PREPARATION, SUMMARY)


def set_resources(spec: Spec, options: KubeflowOptions) -> None:
    """Give every container its requests and its environment; changes the spec in place."""
    for task in spec["components"]:
        container = spec["deploymentSpec"]["executors"][executor_label(task)]["container"]
        resources: dict[str, Any] = {
            f"{name}Request": amount for name, amount in options.requests(task).items()
        }
        if task == "Trainer" and options.gpu_count:
            count = str(options.gpu_count)  # an int64 is text in JSON
            resources["accelerator"] = {"type": options.gpu_type, "count": count}
        if resources:
            container["resources"] = resources
        if options.env:
            container["env"] = [{"name": key, "value": text} for key, text in options.env.items()]


def set_policies(spec: Spec, options: KubeflowOptions) -> None:
    """Say of every task how often it is tried and whether it is cached; changes it in place."""
    for task, body in spec["root"]["dag"]["tasks"].items():
        cached = options.caching and task not in NEVER_CACHED
        body["cachingOptions"] = {"enableCache": True} if cached else {}
        if options.retries:
            body["retryPolicy"] = {
                "maxRetryCount": options.retries,
                "backoffDuration": "30s",
                "backoffFactor": 2.0,
                "backoffMaxDuration": "3600s",
            }


def kubernetes_document(spec: Spec, options: KubeflowOptions) -> Spec | None:
    """The second document of the file: what is Kubernetes' own. None where there is nothing."""
    if not options.secrets and not options.volumes:
        return None
    config = kubernetes.KubernetesExecutorConfig()
    for variable, secret, key in options.secret_keys():
        from_secret = config.secret_as_env.add(secret_name=secret)
        from_secret.key_to_env.add(secret_key=key, env_var=variable)
    for claim, path in options.volumes.items():
        config.pvc_mount.add(constant=claim, mount_path=path)
    executors = {
        executor_label(task): json_format.MessageToDict(config) for task in spec["components"]
    }
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}

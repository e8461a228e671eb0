"""Set the resources and policies of the tasks: requests, GPUs, volumes, retries and caching."""

from typing import Any

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes

from pipeline import component_ids
from pipeline.config.kubeflow_options import KubeflowOptions
from pipeline.kubeflow.extra_tasks import PREPARATION, SUMMARY, PipelineSpec, executor_label

#: Tasks whose result depends on more than their inputs: the pictures and the serving versions.
NEVER_CACHED = (PREPARATION, SUMMARY)


def set_task_resources(spec: PipelineSpec, options: KubeflowOptions) -> None:
    """Set the requests and the environment of every container, in place."""
    for task in spec["components"]:
        container = spec["deploymentSpec"]["executors"][executor_label(task)]["container"]
        resources: dict[str, Any] = {
            f"{name}Request": amount for name, amount in options.requests(task).items()
        }
        if task == component_ids.TRAINER and options.gpu_count:
            count = str(options.gpu_count)  # protobuf's JSON holds an int64 as text
            resources["accelerator"] = {"type": options.gpu_type, "count": count}
        if resources:
            container["resources"] = resources
        if options.env:
            container["env"] = [{"name": key, "value": text} for key, text in options.env.items()]


def set_task_policies(spec: PipelineSpec, options: KubeflowOptions) -> None:
    """Set the retries and the caching of every task, in place."""
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


def kubernetes_platform_spec(spec: PipelineSpec, options: KubeflowOptions) -> dict[str, Any] | None:
    """Return the platform spec, the second document of a compiled pipeline: secrets and volumes.

    Returns:
        None if the config names neither secrets nor volumes.
    """
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

"""Set the resources and policies of the tasks: requests, GPUs, variables, retries and caching."""

from typing import Any

from pipeline import component_ids
from pipeline.config.kubeflow_options import KubeflowOptions
from pipeline.kubeflow.extra_tasks import FINISH, PASS, PREPARATION, SUMMARY, executor_label
from pipeline.kubeflow.task_groups import PipelineSpec, container_tasks

#: Tasks whose result depends on more than their inputs: pictures, batches and serving versions.
NEVER_CACHED = (PREPARATION, PASS, SUMMARY, FINISH)


def set_task_resources(spec: PipelineSpec, options: KubeflowOptions) -> None:
    """Set the requests and the environment of every container, in place."""
    for task in container_tasks(spec):
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
            given = [{"name": key, "value": text} for key, text in options.env.items()]
            container["env"] = given + container.get("env", [])


def set_task_policies(spec: PipelineSpec, options: KubeflowOptions) -> None:
    """Set the retries and the caching of every task, in place."""
    for task, body in container_tasks(spec).items():
        cached = options.caching and task not in NEVER_CACHED
        body["cachingOptions"] = {"enableCache": True} if cached else {}
        if options.retries:
            body["retryPolicy"] = {
                "maxRetryCount": options.retries,
                "backoffDuration": "30s",
                "backoffFactor": 2.0,
                "backoffMaxDuration": "3600s",
            }

"""Platform spec of a compiled pipeline: what Kubernetes is to know of the pods of the steps.

The fields are those of kfp-kubernetes, in the form of JSON. Its Python functions are not used: they
change tasks of kfp's DSL, which TFX does not use, and the version that fits TFX 1.16 (1.0) knows
neither tolerations nor labels. Kubeflow Pipelines reads them from version 2.1 on.
"""

from typing import Any

from pipeline.config.kubeflow_options import KubeflowOptions, Step
from pipeline.kubeflow.extra_tasks import executor_label
from pipeline.kubeflow.step_environment import RUN, RUN_LABEL
from pipeline.kubeflow.task_groups import PipelineSpec, container_tasks


def kubernetes_platform_spec(spec: PipelineSpec, options: KubeflowOptions) -> dict[str, Any]:
    """Return the platform spec, the second document of a compiled pipeline.

    Args:
        spec: Pipeline spec with all tasks.
        options: Options of the pods.
    """
    executors = {executor_label(task): _pod(task, options) for task in container_tasks(spec)}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def _pod(step: Step, options: KubeflowOptions) -> dict[str, Any]:
    """Return the `KubernetesExecutorConfig` of a step. Fields without a value are left out."""
    metadata = {"labels": options.labels, "annotations": options.annotations}
    selector = options.nodes(step)
    fields = {
        "fieldPathAsEnv": [{"name": RUN, "fieldPath": f"metadata.labels['{RUN_LABEL}']"}],
        "secretAsEnv": [
            {"secretName": secret, "keyToEnv": [{"secretKey": key, "envVar": variable}]}
            for variable, secret, key in options.secret_keys()
        ],
        "pvcMount": [
            {"constant": claim, "mountPath": path} for claim, path in options.volumes.items()
        ],
        "imagePullSecret": [{"secretName": name} for name in options.image_pull_secrets],
        "podMetadata": {name: values for name, values in metadata.items() if values},
        "nodeSelector": {"labels": selector} if selector else {},
        "tolerations": options.tolerated(step),
    }
    return {name: value for name, value in fields.items() if value}

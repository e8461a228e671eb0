"""Options for Kubeflow: the section `kubeflow` of the run config."""

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from pipeline.component_ids import CandidateId, TrainingComponentId
from trainer_module.contract.options_base import NumberOnly, Options, Text

#: Steps of a compiled pipeline; `default` stands for those without a value of their own.
Step = Literal[
    "default",
    "Preparation",
    "Pass",
    TrainingComponentId,
    CandidateId,
    "Summary",
    "DecisionSummary",
    "Finish",
]
Amount = Annotated[float, NumberOnly, Field(gt=0)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
VariableText = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
ResourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
SecretKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*/[A-Za-z0-9._-]+$")]
_PREFIX = r"([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?"
_NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
LabelKey = Annotated[str, StringConstraints(pattern=f"^{_PREFIX}{_NAME}$")]
LabelValue = Annotated[str, StringConstraints(pattern=f"^({_NAME})?$")]
MountPath = Annotated[str, StringConstraints(pattern=r"^/[^/\x00][^\x00]*$")]

_ROOT = re.compile(r"(gs|s3|minio)://[^/]|/[^/]")


class Toleration(Options):
    """Taint of nodes that a pod tolerates, as in the spec of a pod."""

    key: LabelKey | None = Field(None, description="key of the taint; null: every key")
    operator: Literal["Equal", "Exists"] = Field("Equal", description="how the value is compared")
    value: LabelValue | None = Field(None, description="value of the taint; only with Equal")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="effect of the taint; null: every effect"
    )

    @model_validator(mode="after")
    def _is_complete(self) -> "Toleration":
        if self.operator == "Exists" and self.value is not None:
            raise ValueError("operator Exists takes no value")
        if self.operator == "Equal" and self.key is None:
            raise ValueError("operator Equal needs a key")
        return self


class KubeflowOptions(Options):
    """Container image, resources and policies of the steps, see docs/kubeflow.md."""

    image: Text | None = Field(None, description="container image of every step")
    pipeline_root: str | None = Field(
        None,
        description="root of the artifacts: a gs://, s3:// or minio:// URI, or a path on a volume",
    )
    cpu: dict[Step, Amount] = Field(
        {}, description="requested cores by step; `default` applies to all others"
    )
    memory: dict[Step, Amount] = Field(
        {}, description="requested GB (10^9 bytes) by step; `default` applies to all others"
    )
    gpu_count: int = Field(
        0, ge=0, le=64, description="GPUs of the Trainer, or of every pod of a training job"
    )
    gpu_type: str = Field("nvidia.com/gpu", min_length=1, description="resource name of these GPUs")
    env: dict[Variable, VariableText] = Field({}, description="environment variables of every step")
    secrets: dict[Variable, SecretKey] = Field(
        {}, description="environment variable -> secret/key with its value"
    )
    volumes: dict[ResourceName, MountPath] = Field(
        {}, description="volume claim -> path at which every step mounts it"
    )
    labels: dict[LabelKey, LabelValue] = Field({}, description="labels of every pod")
    annotations: dict[LabelKey, VariableText] = Field({}, description="annotations of every pod")
    node_selector: dict[Step, dict[LabelKey, LabelValue]] = Field(
        {}, description="labels of the nodes for a step; `default` applies to all others"
    )
    tolerations: dict[Step, tuple[Toleration, ...]] = Field(
        {}, description="tolerated taints of nodes by step; `default` applies to all others"
    )
    image_pull_secrets: tuple[ResourceName, ...] = Field(
        (), description="secrets with the credentials of the image's registry"
    )
    service_account: ResourceName | None = Field(
        None, description="service account of a training job; for a pipeline, see `submit`"
    )
    retries: int = Field(2, ge=0, le=100, description="retries of a failed step")
    workers: int = Field(2, ge=2, le=1024, description="pods of a training job, the chief included")
    caching: bool = Field(
        True, description="reuse the outputs of an earlier step with the same inputs"
    )

    def requests(self, step: Step) -> dict[str, float]:
        """Return what a step requests: `cpu` in cores and `memory` in GB, if they are set.

        Args:
            step: Name of the step.
        """
        kinds = {"cpu": self.cpu, "memory": self.memory}
        amounts = {name: kind.get(step, kind.get("default")) for name, kind in kinds.items()}
        return {name: amount for name, amount in amounts.items() if amount}

    def nodes(self, step: Step) -> dict[str, str]:
        """Return the labels of the nodes for a step.

        Args:
            step: Name of the step.
        """
        return self.node_selector.get(step, self.node_selector.get("default", {}))

    def tolerated(self, step: Step) -> list[dict[str, str]]:
        """Return the tolerations of a step, as in the spec of a pod.

        Args:
            step: Name of the step.
        """
        tolerations = self.tolerations.get(step, self.tolerations.get("default", ()))
        return [one.model_dump(exclude_none=True) for one in tolerations]

    def secret_keys(self) -> list[tuple[str, str, str]]:
        """Return every entry of `secrets` as environment variable, secret and key."""
        parts = {name: reference.partition("/") for name, reference in self.secrets.items()}
        return [(name, secret, key) for name, (secret, _, key) in parts.items()]

    @field_validator("pipeline_root")
    @classmethod
    def _is_reachable(cls, root: str | None) -> str | None:
        if root is not None and not _ROOT.match(root):
            raise ValueError("must be a gs://, s3:// or minio:// URI, or an absolute path")
        return root.rstrip("/") if root else root

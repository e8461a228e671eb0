"""Options for Kubeflow: the section `kubeflow` of the run config."""

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from pipeline.component_ids import TrainingComponentId
from trainer_module.contract.options_base import NumberOnly, Options, Text

#: Steps of a compiled pipeline; `default` stands for those without a value of their own.
Step = Literal["default", "Preparation", TrainingComponentId, "Summary"]
Amount = Annotated[float, NumberOnly, Field(gt=0)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
VariableText = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
ResourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
SecretKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*/[A-Za-z0-9._-]+$")]
MountPath = Annotated[str, StringConstraints(pattern=r"^/[^/\x00][^\x00]*$")]

_ROOT = re.compile(r"(gs|s3|minio)://[^/]|/[^/]")


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

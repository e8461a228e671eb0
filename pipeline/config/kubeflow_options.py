"""Options of a run on Kubeflow, validated. The run configuration holds them as `kubeflow`."""

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from trainer_module.contract.options_base import Options

Step = Literal[
    "default",
    "Preparation",
    "ImageExampleGen",
    "StatisticsGen",
    "ImportSchemaGen",
    "ExampleValidator",
    "Baseline",
    "DataGate",
    "Transform",
    "Trainer",
    "Evaluator",
    "ServingCheck",
    "Pusher",
    "Summary",
]
Amount = Annotated[float, Field(gt=0)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
ResourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
SecretKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*/[A-Za-z0-9._-]+$")]
MountPath = Annotated[str, StringConstraints(pattern=r"^/[^/]")]

_ROOT = re.compile(r"(gs|s3|minio)://[^/]|/[^/]")


class KubeflowOptions(Options):
    """Where and how the steps run, see docs/kubeflow.md."""

    image: str | None = Field(None, description="container image that every step runs in")
    pipeline_root: str | None = Field(
        None, description="where artifacts go: gs://, s3:// or minio://, or a path on a volume"
    )
    cpu: dict[Step, Amount] = Field(
        {}, description="cores that a step asks for; `default` is meant for all others"
    )
    memory: dict[Step, Amount] = Field({}, description="GB that a step asks for")
    gpu_count: int = Field(0, ge=0, description="GPUs of the Trainer, or of each pod of a job")
    gpu_type: str = Field("nvidia.com/gpu", min_length=1, description="resource that they are")
    env: dict[Variable, str] = Field({}, description="environment of every step")
    secrets: dict[Variable, SecretKey] = Field(
        {}, description="variable -> secret/key that holds its value"
    )
    volumes: dict[ResourceName, MountPath] = Field(
        {}, description="claim -> where every step finds that volume"
    )
    retries: int = Field(2, ge=0, description="of a step that failed")
    workers: int = Field(2, ge=2, description="pods of a training job, the one that leads included")
    caching: bool = Field(True, description="answer a step from an earlier one with its inputs")

    def requests(self, step: Step) -> dict[str, float]:
        """What a step asks for: `cpu` in cores, `memory` in GB; without what nothing is said of."""
        kinds = {"cpu": self.cpu, "memory": self.memory}
        amounts = {name: kind.get(step, kind.get("default")) for name, kind in kinds.items()}
        return {name: amount for name, amount in amounts.items() if amount}

    def secret_keys(self) -> list[tuple[str, str, str]]:
        """Variable, secret and key of every entry of `secrets`."""
        parts = {name: reference.partition("/") for name, reference in self.secrets.items()}
        return [(name, secret, key) for name, (secret, _, key) in parts.items()]

    @field_validator("pipeline_root")
    @classmethod
    def _is_reachable(cls, root: str | None) -> str | None:
        if root is not None and not _ROOT.match(root):
            raise ValueError("must be a gs://, s3:// or minio:// URI, or an absolute path")
        return root.rstrip("/") if root else root

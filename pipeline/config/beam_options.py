"""Options of Beam, validated: the group `beam` of the config."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from trainer_module.contract.options_base import Options

Runner = Literal["direct", "flink", "spark", "dataflow", "portable"]

#: Options that a runner requires.
REQUIRED_OPTIONS: dict[str, tuple[str, ...]] = {
    "direct": (),
    "flink": ("flink_master", "environment_type"),
    "spark": ("spark_master_url", "environment_type"),
    "dataflow": ("project", "region", "temp_location"),
    "portable": ("job_endpoint", "environment_type"),
}

#: Most processes of `workers`; one takes about 1 GiB of memory.
MAX_WORKERS = 1024

ENVIRONMENTS = ("DOCKER", "PROCESS", "EXTERNAL", "LOOPBACK")


class BeamOptions(Options):
    """Where the data components run: on this machine, or with a Beam runner on other machines."""

    runner: Runner = Field(
        "direct", description="Beam runner; `direct` is this machine, see docs/beam.md"
    )
    workers: int | Literal["auto"] = Field(
        "auto", description="processes; `auto` is 1, or one per core for many files"
    )
    options: dict[str, str | int | float | bool] = Field(
        {}, description="Beam's own options by name, for runners other than `direct`"
    )

    @field_validator("workers")
    @classmethod
    def _is_at_least_one(cls, workers: int | str) -> int | str:
        if isinstance(workers, int) and not 1 <= workers <= MAX_WORKERS:
            raise ValueError(f"must be auto, or from 1 to {MAX_WORKERS}")
        return workers

    @field_validator("options")
    @classmethod
    def _are_clear(cls, options: dict[str, Any]) -> dict[str, Any]:
        """Refuse `yes`, which YAML 1.1 takes for true, and Beam for a text."""
        for name, value in options.items():
            if isinstance(value, str) and value.lower() in ("yes", "no", "on", "off"):
                raise ValueError(f"{name} is {value}. Write true or false")
        return options

    @model_validator(mode="after")
    def _is_complete(self) -> "BeamOptions":
        if self.runner == "direct" and self.options:
            raise ValueError("beam.options require a beam.runner other than direct")
        missing = [name for name in REQUIRED_OPTIONS[self.runner] if not self.options.get(name)]
        if missing:
            raise ValueError(f"beam.runner {self.runner} needs beam.options {', '.join(missing)}")
        environment = self.options.get("environment_type", "DOCKER")
        if environment not in ENVIRONMENTS:
            raise ValueError(f"environment_type must be one of {', '.join(ENVIRONMENTS)}")
        if environment in ("PROCESS", "EXTERNAL") and not self.options.get("environment_config"):
            raise ValueError(f"environment_type {environment} needs environment_config")
        return self

    @property
    def workers_have_code(self) -> bool:
        """Whether workers have our package already: in their image, or in this process."""
        images = ("sdk_container_image", "environment_config")
        loopback = self.options.get("environment_type") == "LOOPBACK"
        return loopback or any(self.options.get(name) for name in images)

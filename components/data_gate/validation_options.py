"""Options of the data gate. The run config holds them as `validation`."""

from typing import Literal

from pydantic import Field, field_validator

from components.data_gate.findings import KINDS
from trainer_module.contract.options_base import Options


class ValidationOptions(Options):
    """When findings about the data stop a run before any training."""

    stop_at: Literal["warning", "error", "never"] = Field(
        "error", description="least severity that stops the run"
    )
    allow: tuple[str, ...] = Field(
        (), description="kinds of findings that never stop the run, such as new_class"
    )
    max_rejected: float = Field(
        0.1, ge=0, le=1, description="largest share of files that may be unusable"
    )
    max_drift: float = Field(
        0.1,
        gt=0,
        le=1,
        description="largest Jensen-Shannon divergence of two distributions, 0 (same) to 1; "
        "an allowance for sampling error is added",
    )

    @field_validator("allow")
    @classmethod
    def _are_known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown:
            raise ValueError(f"unknown kind {unknown[0]}; known are {', '.join(sorted(KINDS))}")
        return kinds

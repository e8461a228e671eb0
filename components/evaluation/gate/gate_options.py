"""Options of the gates. The run config holds them as `gate`."""

from pydantic import Field

from trainer_module.contract.options_base import Options


class GateOptions(Options):
    """When a candidate is blessed. Every limit holds for each domain by itself."""

    min_accuracy: float = Field(
        0.5, ge=0, le=1, description="floor: least accuracy in every domain"
    )
    max_drop: float = Field(
        0.02,
        ge=0,
        le=1,
        description="most accuracy that a domain may lose against the serving model",
    )
    confidence: float = Field(
        0.9, gt=0, lt=1, description="confidence level of the interval of a change in accuracy"
    )

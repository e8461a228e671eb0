"""Options of the gates, validated. The run configuration holds them as `gate`."""

from pydantic import Field

from trainer_module.contract.options_base import Options


class GateOptions(Options):
    """When a model is good enough to serve, for every domain by itself."""

    min_accuracy: float = Field(0.5, ge=0, le=1, description="floor for every domain")
    max_drop: float = Field(
        0.02, ge=0, le=1, description="most accuracy that a domain may lose against what serves"
    )
    confidence: float = Field(
        0.9, gt=0, lt=1, description="that a loss is real, and no chance of few test pictures"
    )

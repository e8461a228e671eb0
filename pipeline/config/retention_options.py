"""Options of the cleaning of a workspace. The run configuration holds them as `retention`."""

from pydantic import Field

from trainer_module.contract.options_base import Options

#: Fewest versions that can be kept: the serving version, and the one before it for a rollback.
MIN_KEEP = 2

#: Most versions and runs that can be kept.
MAX_KEEP = 1_000_000_000


class RetentionOptions(Options):
    """What stays in a workspace after every run and every pass."""

    keep: int | None = Field(
        None,
        ge=MIN_KEEP,
        le=MAX_KEEP,
        description="number of newest versions and runs to keep after every run or pass; null: all",
    )

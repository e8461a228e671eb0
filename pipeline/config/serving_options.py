"""Options of `carryover serve`. The run configuration holds them as `serve`."""

from typing import Literal

from pydantic import Field

from trainer_module.training_options import ServeOptions

#: Largest number of pictures that a version may be in shadow for.
MAX_SHADOW_PICTURES = 1_000_000


class ServingOptions(ServeOptions):
    """What the exported model says about its predictions, and when a new version serves.

    By default, at least 95 % of the confident predictions of every version are correct
    (`accepted_accuracy`). Two such versions predict different classes for at most 5 + 5 % of the
    pictures. So if they differ on more, one of the two is less accurate than it promises.
    """

    promote: Literal["at_once", "after_shadow"] = Field(
        "at_once",
        description="when a new version serves: once it is loaded, or after it was in shadow",
    )
    shadow_pictures: int = Field(
        500,
        ge=1,
        le=MAX_SHADOW_PICTURES,
        description="pictures that a new version predicts in shadow before it serves",
    )
    max_disagreement: float = Field(
        0.1,
        ge=0,
        le=1,
        description="largest share of the confident predictions of the serving version that a new "
        "version may contradict",
    )

"""The base class of all groups of options, and the types of their texts."""

import re
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    field_validator,
)

from trainer_module.contract.locations import expand_home

#: A scheme such as gs:// at the start of a path; `Path` makes one slash of the two.
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:/")


def check_text(text: str) -> str:
    """Return a text that is not blank.

    Raises:
        ValueError: The text is blank, or holds a NUL character, which no path may hold.
    """
    if not text.strip():
        raise ValueError("must not be empty")
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    return text


def _local_path(path: Any) -> Any:
    if not isinstance(path, str | Path):
        return path
    text = check_text(str(path))
    if _SCHEME.match(text):
        raise ValueError("must be a local path, not a URI")
    return expand_home(text)  # a text: pydantic takes no Path where it validates JSON


def _refuse_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number")  # pydantic takes true as 1
    return value


#: A text that is not blank.
Text = Annotated[str, AfterValidator(check_text)]

#: A path on this machine; `~` is expanded.
LocalPath = Annotated[Path, BeforeValidator(_local_path)]

#: A number as a value of a dict; for fields, see `Options`.
NumberOnly = BeforeValidator(_refuse_flag)


class Options(BaseModel):
    """Base class of all groups of options.

    Options are immutable. An unknown key is an error, and so are NaN, infinity, and `true` or
    `false` in place of a number.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_flag(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, bool):
            return value
        kind = cls.model_fields[str(info.field_name)].annotation
        return _refuse_flag(value) if {int, float} & {kind, *get_args(kind)} else value

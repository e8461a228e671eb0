"""The base class of all groups of options."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Base class of all groups of options: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

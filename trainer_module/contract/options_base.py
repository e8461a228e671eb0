"""The base of every group of options."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    """Base of every group of options: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

"""Options of publishing. The run configuration holds them as `publish`."""

import re

from pydantic import Field, field_validator

from trainer_module.contract.options_base import LocalPath, Options, Text

#: Beginning of a URI; Databricks needs no more than the word.
_URI = re.compile(r"[a-z][a-z0-9+.-]*://.|databricks$")


class PublishOptions(Options):
    """Where runs and versions go besides the workspace."""

    bundles: LocalPath | None = Field(
        None, description="folder in which every version is put as a bundle"
    )
    mlflow: Text | None = Field(
        None, description="URI of an MLflow server for all runs and versions, http://host:5000"
    )

    @field_validator("mlflow")
    @classmethod
    def _is_uri(cls, uri: str | None) -> str | None:
        if uri is not None and not _URI.match(uri):
            raise ValueError("must be a URI, such as http://host:5000 or sqlite:////folder/file.db")
        return uri

    def __bool__(self) -> bool:
        """Whether anything is published."""
        return bool(self.bundles or self.mlflow)

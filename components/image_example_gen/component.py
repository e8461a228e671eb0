"""Contract of ImageExampleGen."""

import json
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.image_example_gen.executor import ImageExampleGenExecutor


class ImageRejects(Artifact):
    """Unusable files with their reasons, and counts of examples and rejects."""

    TYPE_NAME = "components.ImageRejects"


class ImageCatalog(Artifact):
    """Table with one row per usable picture, see `components.image_example_gen.catalog`."""

    TYPE_NAME = "components.ImageCatalog"


class ImageExampleGenSpec(ComponentSpec):
    """Inputs, outputs and parameters of ImageExampleGen."""

    PARAMETERS = {  # noqa: RUF012 (TFX's contract)
        "data_root": ExecutionParameter(type=str),
        "snapshot": ExecutionParameter(type=str),
        "digest": ExecutionParameter(type=str),
        "split": ExecutionParameter(type=str),
        "max_file_bytes": ExecutionParameter(type=int),
        "code": ExecutionParameter(type=str),
    }
    INPUTS: dict[str, ChannelParameter] = {}  # noqa: RUF012
    OUTPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "catalog": ChannelParameter(type=ImageCatalog),
        "rejects": ChannelParameter(type=ImageRejects),
    }


class ImageExampleGen(base_component.BaseComponent):
    """Reads the pictures of one snapshot and writes them as tf.Examples.

    Outputs:
        examples: TFRecords in `Split-train`, `Split-eval` and `Split-test`. The features of an
            example are listed in `trainer_module.contract.example_features`.
        catalog: Table with one row per usable picture.
        rejects: Unusable files with their reasons, and counts of examples and rejects.
    """

    SPEC_CLASS = ImageExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(ImageExampleGenExecutor)

    def __init__(
        self,
        data_root: str,
        snapshot: str,
        digest: str,
        split: dict[str, Any],
        max_file_bytes: int,
        code: str,
    ) -> None:
        """Configure the component.

        Args:
            data_root: Folder or URI that the paths of the listing are relative to.
            snapshot: Path of the listing to read, JSON lines of `ListingRow`.
            digest: Digest of the listing, part of the cache key.
            split: Options `eval` and `test` (shares, 0 to 1) and `group_by` (`content` or `stem`).
            max_file_bytes: Size of a file, in bytes, above which it is rejected.
            code: Fingerprint of the component's code and libraries, part of the cache key.
        """
        spec = ImageExampleGenSpec(
            data_root=data_root,
            snapshot=snapshot,
            digest=digest,
            split=json.dumps(split, sort_keys=True),
            max_file_bytes=max_file_bytes,
            code=code,
            examples=types.Channel(type=standard_artifacts.Examples),
            catalog=types.Channel(type=ImageCatalog),
            rejects=types.Channel(type=ImageRejects),
        )
        super().__init__(spec=spec)

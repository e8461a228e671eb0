"""Contract of PictureTransform: the same as the contract of TFX's Transform."""

from tfx.components import Transform
from tfx.dsl.components.base import executor_spec

from components.picture_transform.executor import PictureTransformExecutor


class PictureTransform(Transform):
    """TFX's Transform with another executor, see `components.picture_transform.executor`."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(PictureTransformExecutor)

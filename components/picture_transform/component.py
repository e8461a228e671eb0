"""Contract of PictureTransform: that of TFX's Transform."""

from tfx.components import Transform
from tfx.dsl.components.base import executor_spec

from components.picture_transform.executor import PictureTransformExecutor


class PictureTransform(Transform):
    """TFX's Transform, with another executor, see `executor`."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(PictureTransformExecutor)

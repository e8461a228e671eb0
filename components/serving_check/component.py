"""Contract of ServingCheck."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.serving_check.executor import ServingCheckExecutor


class ServingCheckSpec(ComponentSpec):
    """Inputs, outputs and parameters of ServingCheck."""

    PARAMETERS = {"code": ExecutionParameter(type=str)}  # noqa: RUF012 (TFX's contract)
    INPUTS = {  # noqa: RUF012
        "model": ChannelParameter(type=standard_artifacts.Model),
        "examples": ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {"blessing": ChannelParameter(type=standard_artifacts.InfraBlessing)}  # noqa: RUF012


class ServingCheck(base_component.BaseComponent):
    """Checks that a model can serve where only TensorFlow is installed.

    TFX's InfraValidator does this in a container, and needs a Docker engine and an image for it.

    Outputs:
        blessing: Blessing in the format of InfraValidator; `findings.json` in it lists the
            problems.
    """

    SPEC_CLASS = ServingCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(ServingCheckExecutor)

    def __init__(self, model: types.BaseChannel, examples: types.BaseChannel, code: str) -> None:
        """Configure the component.

        Args:
            model: Exported model to check.
            examples: Examples of ImageExampleGen, of which some are sent through the model.
            code: Fingerprint of the component's code and libraries, part of the cache key.
        """
        spec = ServingCheckSpec(
            model=model,
            examples=examples,
            code=code,
            blessing=types.Channel(type=standard_artifacts.InfraBlessing),
        )
        super().__init__(spec=spec)

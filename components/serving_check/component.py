"""Contract of ServingCheck."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.serving_check.executor import ServingCheckExecutor


class ServingCheckSpec(ComponentSpec):
    """Inputs, outputs and parameters."""

    PARAMETERS = {"code": ExecutionParameter(type=str)}  # noqa: RUF012 (TFX's contract)
    INPUTS = {  # noqa: RUF012
        "model": ChannelParameter(type=standard_artifacts.Model),
        "examples": ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {"blessing": ChannelParameter(type=standard_artifacts.InfraBlessing)}  # noqa: RUF012


class ServingCheck(base_component.BaseComponent):
    """Checks that a model serves where nothing but TensorFlow is installed.

    TFX's InfraValidator does this with a Docker image, which needs a Docker engine and the image.

    Outputs:
        blessing: as InfraValidator writes it; `findings.json` in it says what was wrong.
    """

    SPEC_CLASS = ServingCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(ServingCheckExecutor)

    def __init__(self, model: types.BaseChannel, examples: types.BaseChannel, code: str) -> None:
        """Configure the component.

        Args:
            model: the export to check.
            examples: real pictures, as ingestion writes them.
            code: fingerprint of the code behind this component, for TFX's cache.
        """
        spec = ServingCheckSpec(
            model=model,
            examples=examples,
            code=code,
            blessing=types.Channel(type=standard_artifacts.InfraBlessing),
        )
        super().__init__(spec=spec)

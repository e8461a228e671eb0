"""Contract of Pusher."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.image_example_gen.component import ImageCatalog
from components.pusher.executor import PusherExecutor


class PusherSpec(ComponentSpec):
    """Inputs, outputs and parameters."""

    PARAMETERS = {  # noqa: RUF012 (TFX's contract)
        "workspace": ExecutionParameter(type=str),
        "model_name": ExecutionParameter(type=str),
        "run_id": ExecutionParameter(type=str),
        "run_key": ExecutionParameter(type=str),
        "baseline_version": ExecutionParameter(type=int),
        "data_root": ExecutionParameter(type=str),
        "batch": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "model": ChannelParameter(type=standard_artifacts.Model),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "model_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": ChannelParameter(type=standard_artifacts.InfraBlessing),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "catalog": ChannelParameter(type=ImageCatalog),
    }
    OUTPUTS = {"pushed_model": ChannelParameter(type=standard_artifacts.PushedModel)}  # noqa: RUF012


class Pusher(base_component.BaseComponent):
    """Pushes a model that Evaluator and ServingCheck have both blessed.

    TFX's Pusher names versions by the second and copies them in place, where a server that polls
    the directory can see half of one. This one numbers them and renames a complete copy.

    The run id makes every execution new to TFX's cache: whether a model serves is a question to
    the serving directory, not to the records of an earlier run.

    Outputs:
        pushed_model: `outcome.json` in it says what was done, see `executor.read_outcome`.
    """

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(PusherExecutor)

    def __init__(
        self,
        model: types.BaseChannel,
        evaluation: types.BaseChannel,
        model_blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        statistics: types.BaseChannel,
        catalog: types.BaseChannel,
        workspace: str,
        model_name: str,
        run_id: str,
        run_key: str,
        baseline_version: int,
        data_root: str,
        batch: str = "",
    ) -> None:
        """Configure the component.

        Args:
            model: the export.
            evaluation: its results; those per domain are kept with the version.
            model_blessing: of the Evaluator.
            infra_blessing: of ServingCheck.
            statistics: of the examples; kept with the version, for the next run to compare with.
            catalog: of the pictures; their list is kept with the version, too.
            workspace: folder that holds `serving/`.
            model_name: folder below `serving/`.
            run_id: of this run.
            run_key: identity of this run's inputs.
            baseline_version: that the model was compared with, 0 for none.
            data_root: that the ids of pictures are relative to.
            batch: digest of the batch that the run is for, if it is for one. The run then read a
                part of the baseline's pictures; the others still belong to the data set.
        """
        spec = PusherSpec(
            model=model,
            evaluation=evaluation,
            model_blessing=model_blessing,
            infra_blessing=infra_blessing,
            statistics=statistics,
            catalog=catalog,
            data_root=data_root,
            batch=batch,
            workspace=workspace,
            model_name=model_name,
            run_id=run_id,
            run_key=run_key,
            baseline_version=baseline_version,
            pushed_model=types.Channel(type=standard_artifacts.PushedModel),
        )
        super().__init__(spec=spec)

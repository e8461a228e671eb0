"""Contract of Pusher."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.image_example_gen.component import ImageCatalog
from components.pusher.executor import PusherExecutor


class PusherSpec(ComponentSpec):
    """Inputs, outputs and parameters of Pusher."""

    PARAMETERS = {  # noqa: RUF012 (TFX's contract)
        "workspace": ExecutionParameter(type=str),
        "model_name": ExecutionParameter(type=str),
        "run_id": ExecutionParameter(type=str),
        "run_key": ExecutionParameter(type=str),
        "baseline_version": ExecutionParameter(type=int),
        "data_root": ExecutionParameter(type=str),
        "batch": ExecutionParameter(type=str),
        "awaits_labels": ExecutionParameter(type=int),
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

    TFX's Pusher uses the time in seconds as version and copies the files into the serving
    directory, where a server that polls it can see an incomplete version. This one uses
    consecutive numbers and renames a complete copy.

    The run id is a parameter so that TFX never takes the result from its cache: whether a model is
    served depends on the serving directory, and not on the record of an earlier run.

    Outputs:
        pushed_model: Artifact with `outcome.json`, see `executor.read_outcome`.
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
        awaits_labels: bool = False,
    ) -> None:
        """Configure the component.

        Args:
            model: Exported model.
            evaluation: Results of the Evaluator; the metrics per domain are kept with the version.
            model_blessing: Blessing of the Evaluator.
            infra_blessing: Blessing of ServingCheck.
            statistics: Statistics of the examples, which are kept with the version. The next run
                compares its data with them.
            catalog: Catalog of the pictures, whose list is kept with the version.
            workspace: Folder that contains `serving/`.
            model_name: Name of the model, and of its folder in `serving/`.
            run_id: Id of this run.
            run_key: Digest of what determines the model of this run.
            baseline_version: Version that the model was compared with, 0 for none.
            data_root: Folder or URI that the ids of pictures are relative to.
            batch: Digest of the batch that the run is a retraining for; "" for any other run. A
                retraining reads only some of the baseline's pictures, and the others still belong
                to the data set of the new version.
            awaits_labels: Whether a blessed model is not pushed, because labels of a domain decide
                on it that has none yet.
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
            awaits_labels=int(awaits_labels),
            workspace=workspace,
            model_name=model_name,
            run_id=run_id,
            run_key=run_key,
            baseline_version=baseline_version,
            pushed_model=types.Channel(type=standard_artifacts.PushedModel),
        )
        super().__init__(spec=spec)

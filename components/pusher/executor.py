"""Pushes a model that has both blessings, and never the same model twice."""

import json
import logging
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from tfx.dsl.components.base import base_executor
from tfx.types import artifact, artifact_utils

from components.compat.tfx_internals import (
    is_model_blessed,
    read_string_file,
    serving_model_path,
    write_string_file,
)
from components.data_gate.statistics.baseline_statistics import write_baseline_statistics
from components.evaluation.predictions.stored_predictions import keep_predictions, keep_slices
from components.evaluation.tfma.evaluation_results import read_domain_metrics
from components.pusher.data_set import write_data_set
from components.pusher.model_digest import model_digest
from components.pusher.version_store import Push, VersionStore

#: Its messages are in the log. The summary of the run tells them to the user.
verdict_logger = logging.getLogger("carryover.verdict")

#: File in the `pushed_model` artifact.
OUTCOME = "outcome.json"

#: Values of `outcome` in it.
PUSHED = "pushed"
ALREADY_SERVES = "already_serves"
ROLLED_BACK = "rolled_back"
NOT_BLESSED = "not_blessed"
AWAITING_LABELS = "awaiting_labels"


class PushOutcome(NamedTuple):
    """What the Pusher did with a model.

    Attributes:
        outcome: `PUSHED`, `ALREADY_SERVES`, `ROLLED_BACK`, `NOT_BLESSED` or `AWAITING_LABELS`.
        version: Version that was pushed, or that contains the same model already; None if the model
            was not blessed, or awaits labels.
    """

    outcome: str
    version: int | None


class PusherExecutor(base_executor.BaseExecutor):
    """Copies a blessed model into the serving directory as the next version."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[artifact.Artifact]],
        output_dict: dict[str, list[artifact.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `BaseExecutor.Do`."""
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        outcome, version = self._push(input_dict, exec_properties)
        is_serving = outcome in (PUSHED, ALREADY_SERVES)
        pushed.set_int_custom_property("pushed", int(is_serving))
        if is_serving and version is not None:
            pushed.set_string_custom_property("pushed_version", str(version))
        version_text = f": version {version}" if version else ""
        verdict_logger.info("%s%s", outcome.replace("_", " "), version_text)
        result = json.dumps({"outcome": outcome, "version": version})
        write_string_file(f"{pushed.uri}/{OUTCOME}", result)

    def _push(
        self, input_dict: dict[str, list[artifact.Artifact]], properties: dict[str, Any]
    ) -> PushOutcome:
        blessing = artifact_utils.get_single_instance(input_dict["model_blessing"])
        infra_blessing = artifact_utils.get_single_instance(input_dict["infra_blessing"])
        if not is_model_blessed(blessing):
            return PushOutcome(NOT_BLESSED, None)
        if not infra_blessing.get_int_custom_property("blessed"):
            return PushOutcome(NOT_BLESSED, None)
        if properties["awaits_labels"]:
            return PushOutcome(AWAITING_LABELS, None)
        uri = artifact_utils.get_single_uri(input_dict["model"])
        model = Path(serving_model_path(uri))
        store = VersionStore(Path(properties["workspace"]), properties["model_name"])
        digest = model_digest(model)
        found = store.find(digest)
        evaluation = artifact_utils.get_single_uri(input_dict["evaluation"])
        if found:
            version, is_serving = found
            if is_serving:
                keep_slices(evaluation, store.path(version))
            return PushOutcome(ALREADY_SERVES if is_serving else ROLLED_BACK, version)
        statistics = artifact_utils.get_single_uri(input_dict["statistics"])
        catalog = artifact_utils.get_single_uri(input_dict["catalog"])
        baseline = store.path(properties["baseline_version"]) if properties["batch"] else None
        root = properties["data_root"]
        version = store.push(
            model,
            _push_record(digest, evaluation, properties),
            lambda folder: keep_data(
                statistics, catalog, evaluation, root, store.root, folder, baseline
            ),
        )
        return PushOutcome(PUSHED, version)


def keep_data(
    statistics_uri: str,
    catalog_uri: str,
    evaluation_uri: str,
    data_root: str,
    workspace: Path,
    model: Path,
    baseline: Path | None,
) -> None:
    """Keep with a model its statistics, the list of its pictures, and its test predictions.

    Args:
        statistics_uri: URI of the `statistics` artifact of StatisticsGen.
        catalog_uri: URI of the `catalog` artifact of ImageExampleGen.
        evaluation_uri: URI of the `evaluation` artifact of Evaluator.
        data_root: Folder or URI that the ids of pictures are relative to.
        workspace: Folder of the workspace, see `data_set.write_data_set`.
        model: Folder of the SavedModel.
        baseline: Folder of the baseline of a retraining, see `data_set.write_data_set`.
    """
    write_baseline_statistics(statistics_uri, str(model))
    keep_predictions(evaluation_uri, model)
    write_data_set(catalog_uri, data_root, workspace, model, baseline)


def _push_record(digest: str, evaluation: str, properties: dict[str, Any]) -> Push:
    baseline = properties["baseline_version"]
    return Push(
        digest=digest,
        run_id=properties["run_id"],
        run_key=properties["run_key"],
        baseline_version=baseline or None,
        pushed_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        domains=read_domain_metrics(evaluation),
        batch=properties["batch"] or None,
    )


def read_outcome(pushed_uri: str) -> PushOutcome:
    """Read what the Pusher did.

    Args:
        pushed_uri: URI of the `pushed_model` artifact.
    """
    outcome = json.loads(read_string_file(f"{pushed_uri}/{OUTCOME}"))
    return PushOutcome(outcome["outcome"], outcome["version"])

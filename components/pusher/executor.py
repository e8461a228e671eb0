"""Pushes when both blessings are there, once per model."""

import json
import logging
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact, artifact_utils
from tfx.utils import io_utils, path_utils

from components.data_gate.statistics.baseline_statistics import write_baseline_statistics
from components.evaluation.eval_config import CANDIDATE
from components.evaluation.evaluation_results import read_domain_metrics
from components.pusher.data_set import write_data_set
from components.pusher.version_store import Push, VersionStore, model_digest

logger = logging.getLogger("carryover.pusher")

OUTCOME = "outcome.json"

PUSHED = "pushed"
ALREADY_SERVES = "already_serves"
ROLLED_BACK = "rolled_back"
NOT_BLESSED = "not_blessed"


class PusherExecutor(base_executor.BaseExecutor):
    """Copies a blessed model into the serving directory."""

    def Do(  # noqa: N802 (TFX's name)
        self,
        input_dict: dict[str, list[artifact.Artifact]],
        output_dict: dict[str, list[artifact.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `BaseExecutor.Do`."""
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        outcome, version = self._push(input_dict, exec_properties)
        serves = outcome in (PUSHED, ALREADY_SERVES)
        pushed.set_int_custom_property("pushed", int(serves))
        if serves and version is not None:
            pushed.set_string_custom_property("pushed_version", str(version))
        logger.info("%s%s", outcome.replace("_", " "), f": version {version}" if version else "")
        result = json.dumps({"outcome": outcome, "version": version})
        io_utils.write_string_file(f"{pushed.uri}/{OUTCOME}", result)

    def _push(
        self, input_dict: dict[str, list[artifact.Artifact]], properties: dict[str, Any]
    ) -> tuple[str, int | None]:
        blessing = artifact_utils.get_single_instance(input_dict["model_blessing"])
        infra_blessing = artifact_utils.get_single_instance(input_dict["infra_blessing"])
        if not model_utils.is_model_blessed(blessing):
            return NOT_BLESSED, None
        if not infra_blessing.get_int_custom_property("blessed"):
            return NOT_BLESSED, None
        uri = artifact_utils.get_single_uri(input_dict["model"])
        model = Path(path_utils.serving_model_path(uri))
        store = VersionStore(Path(properties["workspace"]), properties["model_name"])
        digest = model_digest(model)
        found = store.find(digest)
        if found:
            version, serves = found
            return (ALREADY_SERVES if serves else ROLLED_BACK), version
        evaluation = artifact_utils.get_single_uri(input_dict["evaluation"])
        statistics = artifact_utils.get_single_uri(input_dict["statistics"])
        catalog = artifact_utils.get_single_uri(input_dict["catalog"])
        before = store.path(properties["baseline_version"]) if properties["batch"] else None
        root = properties["data_root"]
        version = store.push(
            model,
            _push_record(digest, evaluation, properties),
            lambda folder: keep_origin(statistics, catalog, root, store.root, folder, before),
        )
        return PUSHED, version


def keep_origin(
    statistics_uri: str,
    catalog_uri: str,
    data_root: str,
    workspace: Path,
    model: Path,
    before: Path | None,
) -> None:
    """Keep with a model what it was trained on: statistics and the list of pictures.

    Args:
        statistics_uri: of StatisticsGen's artifact.
        catalog_uri: of ImageExampleGen's.
        data_root: that the ids of pictures are relative to.
        workspace: see `data_set.write_data_set`.
        model: folder of the SavedModel.
        before: see `data_set.write_data_set`.
    """
    write_baseline_statistics(statistics_uri, str(model))
    write_data_set(catalog_uri, data_root, workspace, model, before)


def _push_record(digest: str, evaluation: str, properties: dict[str, Any]) -> Push:
    baseline = properties["baseline_version"]
    return Push(
        digest=digest,
        run_id=properties["run_id"],
        run_key=properties["run_key"],
        baseline_version=baseline or None,
        pushed_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        domains=read_domain_metrics(evaluation, CANDIDATE),
        batch=properties["batch"] or None,
    )


def read_outcome(pushed_uri: str) -> tuple[str, int | None]:
    """What a finished Pusher did, and the version concerned."""
    outcome = json.loads(io_utils.read_string_file(f"{pushed_uri}/{OUTCOME}"))
    return outcome["outcome"], outcome["version"]

"""Runs and versions in MLflow: tracking, model registry, and the alias of the serving version.

MLflow is found again by tags: a run by the digest of its summary, a version by its number and the
digest of its model.
So a call that was killed is completed by the next one, and nothing is there twice.
"""

import functools
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from pipeline.predicting.saved_model_copy import TRAINING_DATA
from pipeline.publishing.mlflow_model import SAVED_MODEL, describe_mlflow_model
from pipeline.publishing.model_card import model_card
from pipeline.publishing.run_figures import run_metrics, run_options
from pipeline.publishing.served_version import ServedVersion
from pipeline.summary.summary_schema import Summary
from pipeline.workspace import Workspace
from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import PUSH_RECORD
from trainer_module.contract.output_text.credentials import masked_text
from trainer_module.contract.printable_names import printable_lines

#: Alias of the serving version in the registry.
ALIAS = "serving"

#: Tags by which runs and versions are found again.
_RUN_TAG, _DIGEST_TAG = "carryover.summary", "carryover.digest"
_NUMBER_TAG = "carryover.version"

#: Folder of the model among the artifacts of its run.
_ARTIFACT = "model"

#: Limits of MLflow's servers: parameters in a request, and characters of a value.
_MAX_PARAMS, _MAX_VALUE = 100, 500

#: Characters that names of metrics and tags may not have.
_FORBIDDEN = re.compile(r"[^\w.\- ]", re.ASCII)

#: A run waits for a server that does not respond for three minutes and not for sixteen.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


class MlflowTarget:
    """Tracking server and model registry of MLflow."""

    takes_runs = True

    def __init__(self, uri: str, model: str) -> None:
        """Name the server; it is not connected to before it is needed.

        Args:
            uri: URI of the tracking server, which is also the registry.
            model: Name of the registered model, and of the experiment.
        """
        self._uri = uri
        self._model = model

    @property
    def name(self) -> str:
        """See `Target`."""
        return f"MLflow {masked_text(self._uri)}"

    def publish_run(self, folder: Path) -> None:
        """Log options, metrics, tags and times of a run."""
        summary, key = Summary.read(folder), _summary_key(folder)
        run = self._run(key, folder.name)
        if run.info.status in ("FINISHED", "FAILED"):
            return
        started = run.info.start_time
        self._log(run.info.run_id, folder, summary, started)
        self._client.set_terminated(
            run.info.run_id,
            "FAILED" if summary.status == "failed" else "FINISHED",
            end_time=started + int(1000 * summary.seconds.get("total", 0)),
        )

    def still_has(self, number: int) -> bool:
        """See `Target`: the server is not asked at the end of every run."""
        return True

    def publish_version(self, version: ServedVersion) -> bool:
        """Register a version with its signature, metrics and lineage.

        A model that was pushed before, under another number, is registered again under this one.
        """
        self._ensure_registered()
        digest = version.push.digest
        if self._find_version(version.number, digest):
            return False
        key = _summary_key(version.run_folder) if version.summary else digest
        run = self._run(key, version.push.run_id)
        self._upload(version, run.info.run_id)
        self._client.create_model_version(
            self._model,
            source=f"{run.info.artifact_uri}/{_ARTIFACT}",
            run_id=run.info.run_id,
            tags=version_tags(version),
            description=f"Version {version.number} of carryover's run {version.push.run_id}.",
        )
        return True

    def mark_serving(self, number: int, digest: str) -> None:
        """Move the alias to a version."""
        found = self._find_version(number, digest)
        if found is None:
            raise UnavailableError(
                f"the serving version is not registered, so the alias '{ALIAS}' stays as it is"
            )
        self._client.set_registered_model_alias(self._model, ALIAS, found.version)

    @functools.cached_property
    def _client(self) -> Any:
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # nothing leaves the machine unasked
        try:
            from mlflow import MlflowClient
        except ImportError:
            raise ModuleNotFoundError(
                "the package mlflow-skinny is not installed; it is in the extra `mlflow` of "
                "setup.py"
            ) from None
        uri = _hide_password(self._uri)
        return MlflowClient(tracking_uri=uri, registry_uri=uri)

    @functools.cached_property
    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._model)
        return str(found.experiment_id if found else self._client.create_experiment(self._model))

    def _run(self, key: str, run_id: str) -> Any:
        """Return the MLflow run with a key; it is created if there is none."""
        query = f"tags.`{_RUN_TAG}` = '{key}'"
        found = self._client.search_runs([self._experiment], query, max_results=1)
        if found:
            return found[0]
        return self._client.create_run(
            self._experiment, _start_time(run_id), {_RUN_TAG: key}, run_name=run_id
        )

    def _log(self, mlflow_run: str, folder: Path, summary: Summary, timestamp: int) -> None:
        from mlflow.entities import Metric, Param, RunTag

        workspace = Workspace(folder.parents[1])
        options = run_options(workspace.read_config(folder.name))
        params = [Param(_name(key), _value(value)) for key, value in options.items()]
        for first in range(0, len(params), _MAX_PARAMS):
            self._client.log_batch(mlflow_run, params=params[first : first + _MAX_PARAMS])
        tags = _run_tags(summary) | {"carryover.batch": workspace.batch_digest(folder.name)}
        self._client.log_batch(
            mlflow_run,
            metrics=[
                Metric(_name(key), value, timestamp, 0)
                for key, value in run_metrics(summary).items()
            ],
            tags=[RunTag(key, _value(value)) for key, value in tags.items() if value is not None],
        )

    def _ensure_registered(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(self._model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _find_version(self, number: int, digest: str) -> Any:
        wanted = {_DIGEST_TAG: digest, _NUMBER_TAG: str(number)}
        found = (one for one in self._versions() if wanted.items() <= one.tags.items())
        return next(found, None)

    def _versions(self) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_model_versions(f"name='{self._model}'", page_token=token)
            yield from page
            token = page.token
            if not token:
                return

    def _upload(self, version: ServedVersion, mlflow_run: str) -> None:
        """Upload the files of a version, without its training data, and what describes it."""
        for name in version.files():
            if name != PUSH_RECORD and not _is_training_data(name):
                folder = Path(_ARTIFACT, SAVED_MODEL, name).parent.as_posix()
                self._client.log_artifact(mlflow_run, str(version.folder / name), folder)
        with tempfile.TemporaryDirectory() as folder:
            card, description = Path(folder, "MODEL_CARD.md"), Path(folder, "MLmodel")
            card.write_text(model_card(version), "utf-8", "backslashreplace")
            describe_mlflow_model(version.folder, version.push, mlflow_run).save(str(description))
            for path in (card, description):  # the last one makes it a model
                self._client.log_artifact(mlflow_run, str(path), _ARTIFACT)


def _hide_password(uri: str) -> str:
    """Return the URI of a server without user and password, which MLflow reads elsewhere, too.

    MLflow prints the URI, and writes it into its errors.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or parts.username is None:
        return uri
    os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username)
    os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password or "")
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _summary_key(folder: Path) -> str:
    return hashlib.sha256((folder / "summary.json").read_bytes()).hexdigest()


def _start_time(run_id: str) -> int:
    """Return when a run started, by its id, in milliseconds since 1970."""
    try:
        moment = datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S")
    except ValueError:
        return int(1000 * time.time())
    return int(1000 * moment.replace(tzinfo=timezone.utc).timestamp())


def _run_tags(summary: Summary) -> dict[str, Any]:
    return {
        "carryover.run_id": summary.run_id,
        "carryover.status": summary.status,
        "carryover.baseline_version": summary.baseline_version,
        "carryover.pushed_version": summary.pushed_version,
        "carryover.listing": summary.listing or None,
        "mlflow.source.git.commit": summary.environment.get("git_revision"),
        "mlflow.note.content": "\n".join(f"- {reason}" for reason in summary.reasons) or None,
    }


def version_tags(version: ServedVersion) -> Mapping[str, str]:
    """Return the tags of a registered version.

    Args:
        version: Version in the serving directory.
    """
    push = version.push
    values = {
        _DIGEST_TAG: push.digest,
        _NUMBER_TAG: version.number,
        "carryover.run_id": push.run_id,
        "carryover.batch": push.batch,
        "carryover.baseline_version": push.baseline_version,
        "carryover.pushed_at": push.pushed_at,
        "carryover.accepted": push.accepted,
    }
    for domain, metrics in push.domains.items():
        if (accuracy := metrics.get("accuracy")) is not None:
            values[_name(f"accuracy/{domain}")] = f"{accuracy:.4f}"
    return {key: _value(value) for key, value in values.items() if value is not None}


def _value(value: Any) -> str:
    """Return the text of a parameter or a tag: printable, and not too long."""
    return printable_lines(str(value))[:_MAX_VALUE]


def _name(text: str) -> str:
    """Return a name that MLflow accepts; a changed one has a digest, so that it stays unique."""
    kind, slash, rest = text.partition("/")
    name = f"{_FORBIDDEN.sub('_', kind)}{slash}{_FORBIDDEN.sub('_', rest).strip('. ')}"[:200]
    if name == text:
        return name
    return f"{name}-{hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"


def _is_training_data(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}/") for one in TRAINING_DATA)

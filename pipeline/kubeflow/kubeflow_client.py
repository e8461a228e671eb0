"""Client of Kubeflow Pipelines: run a compiled pipeline once, or on a schedule."""

import hashlib
import json
import time
import warnings
from pathlib import Path
from typing import Any

import kfp
import yaml
from kfp_server_api import ApiException
from urllib3.exceptions import HTTPError

from trainer_module.contract.errors import InputError

#: States in which a run has ended.
FINAL_STATES = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")

PARAMETER_TYPES = {"STRING": str, "NUMBER_INTEGER": int, "NUMBER_DOUBLE": float}

#: Errors of a file that is no YAML, or that PyYAML fails on.
_UNREADABLE = (OSError, ValueError, OverflowError, RecursionError, StopIteration, yaml.YAMLError)

#: Fields of a cron expression in Kubeflow; the first one is the seconds.
CRON_FIELDS = 6


class KubeflowClient:
    """Connection to the API server of Kubeflow Pipelines, for the runs of one experiment."""

    def __init__(self, host: str, experiment: str, namespace: str | None) -> None:
        """Connect to the server, and create the experiment if it does not exist.

        Args:
            host: URL of the API server.
            experiment: Name of the experiment.
            namespace: Namespace of the runs, on a server with several users.

        Raises:
            InputError: No API server responds at this URL.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # kfp warns that it works with version 2 only
                self._client = kfp.Client(host=host, namespace=namespace or "kubeflow")
            created = self._client.create_experiment(experiment, namespace=namespace)
        except (HTTPError, ApiException) as error:
            reason = " ".join(str(getattr(error, "reason", None) or error).split())
            raise InputError(
                f"no Kubeflow Pipelines API at {host}: {reason}. "
                "Give its URL with --host, such as http://localhost:8080."
            ) from error
        self._experiment_id = created.experiment_id

    def upload(self, file: Path) -> tuple[str, str]:
        """Upload a compiled pipeline as a new pipeline or a new version; upload a file only once.

        Args:
            file: Compiled pipeline.

        Returns:
            Id of the pipeline and id of its version.
        """
        name = read_spec(file)["pipelineInfo"]["name"]
        version = f"{name}-{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
        pipeline_id = self._client.get_pipeline_id(name)
        if pipeline_id is None:
            pipeline_id = self._client.upload_pipeline(str(file), name).pipeline_id
            versions = self._client.list_pipeline_versions(pipeline_id).pipeline_versions
            return pipeline_id, versions[0].pipeline_version_id
        predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": version}
        same = self._client.list_pipeline_versions(
            pipeline_id, filter=json.dumps({"predicates": [predicate]})
        ).pipeline_versions
        if same:
            return pipeline_id, same[0].pipeline_version_id
        uploaded = self._client.upload_pipeline_version(str(file), version, pipeline_id=pipeline_id)
        return pipeline_id, uploaded.pipeline_version_id

    def run(
        self,
        name: str,
        version: tuple[str, str],
        parameters: dict[str, Any],
        service_account: str | None = None,
    ) -> str:
        """Start one run.

        Args:
            name: Display name of the run.
            version: Ids of the pipeline and of its version, see `upload`.
            parameters: Parameters of the run; the others have their defaults.
            service_account: Service account of the pods; None for that of the server.

        Returns:
            Id of the run.
        """
        pipeline_id, version_id = version
        created = self._client.run_pipeline(
            self._experiment_id,
            name,
            params=parameters,
            pipeline_id=pipeline_id,
            version_id=version_id,
            service_account=service_account,
        )
        return str(created.run_id)

    def schedule(
        self,
        name: str,
        version: tuple[str, str],
        parameters: dict[str, Any],
        cron: str,
        service_account: str | None = None,
    ) -> str:
        """Create a recurring run, at most one run at a time, without runs for missed times.

        Args:
            name: Display name of the recurring run.
            version: Ids of the pipeline and of its version, see `upload`.
            parameters: Parameters of every run; the others have their defaults.
            cron: Cron expression, see `check_cron`.
            service_account: Service account of the pods; None for that of the server.

        Returns:
            Id of the recurring run.
        """
        pipeline_id, version_id = version
        created = self._client.create_recurring_run(
            self._experiment_id,
            name,
            cron_expression=cron,
            max_concurrency=1,  # one run at a time may use a workspace
            no_catchup=True,
            params=parameters,
            pipeline_id=pipeline_id,
            version_id=version_id,
            service_account=service_account,
        )
        return str(created.recurring_run_id)

    def wait(self, run_id: str, poll_seconds: float) -> str:
        """Wait until a run has ended.

        Args:
            run_id: Id of the run.
            poll_seconds: Seconds between two requests for its state.

        Returns:
            The last state, one of `FINAL_STATES`.
        """
        while (state := str(self._client.get_run(run_id).state)) not in FINAL_STATES:
            time.sleep(poll_seconds)
        return state


def read_spec(file: Path) -> dict[str, Any]:
    """Return the pipeline spec of a compiled pipeline.

    Args:
        file: Compiled pipeline.

    Raises:
        InputError: The file is unreadable or holds no pipeline spec.
    """
    try:
        spec = next(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except _UNREADABLE as error:
        reason = getattr(error, "strerror", None) or "the file is not YAML"
        raise InputError(f"pipeline {file}: {reason}. Create it with carryover compile.") from None
    if not isinstance(spec, dict) or "pipelineInfo" not in spec:
        raise InputError(f"{file} is not a pipeline. Create one with carryover compile.")
    return spec


def read_parameters(file: Path, assignments: list[str]) -> dict[str, Any]:
    """Return the parameters of a run, converted to the types that the pipeline declares.

    Args:
        file: Compiled pipeline.
        assignments: Texts in the form `name=value`.

    Raises:
        InputError: The pipeline has no such parameter, or the value has another type.
    """
    spec = read_spec(file)
    try:
        definitions = dict(spec["root"]["inputDefinitions"]["parameters"])
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{file} declares no parameters of a pipeline. Create it with carryover compile."
        ) from None
    values = {}
    for text in assignments:
        name, equals, value = text.partition("=")
        if not equals or name not in definitions:
            names = ", ".join(sorted(definitions))
            raise InputError(f"--param wants name=value. Names: {names}. Received: {text}")
        kind = PARAMETER_TYPES[definitions[name]["parameterType"]]
        try:
            values[name] = kind(value)
        except ValueError:
            raise InputError(
                f"--param {name}: the value must be of type {kind.__name__}. Received: {value}"
            ) from None
    return values


def check_cron(cron: str) -> None:
    """Check the number of fields: with five, Kubeflow would read minutes as seconds.

    Args:
        cron: Cron expression of six fields, or a descriptor such as `@daily`.

    Raises:
        InputError: There are not six fields.
    """
    if not cron.startswith("@") and len(cron.split()) != CRON_FIELDS:
        raise InputError(
            f"--cron: Kubeflow needs six fields, seconds first: '0 0 3 * * *' is daily at three. "
            f"Received: {cron}"
        )

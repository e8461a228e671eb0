"""Sends a compiled pipeline to Kubeflow Pipelines: to run once, or on a schedule."""

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

#: States from which a run does not go on.
FINISHED = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")

KINDS = {"STRING": str, "NUMBER_INTEGER": int, "NUMBER_DOUBLE": float}

#: Fields of a schedule, the first one of which are seconds.
CRON_FIELDS = 6


class Server:
    """The API server of Kubeflow Pipelines, and the experiment that runs belong to."""

    def __init__(self, host: str, experiment: str, namespace: str | None) -> None:
        """Connect.

        Args:
            host: URL of the API server.
            experiment: made where there is none of this name.
            namespace: where the server has several users.

        Raises:
            InputError: nobody answers there.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it is a client for version 2
                self._client = kfp.Client(host=host, namespace=namespace or "kubeflow")
            made = self._client.create_experiment(experiment, namespace=namespace)
        except (HTTPError, ApiException) as error:
            reason = " ".join(str(getattr(error, "reason", None) or error).split())
            raise InputError(
                f"no Kubeflow Pipelines API at {host}: {reason}. "
                "Give its URL with --host, such as http://localhost:8080."
            ) from error
        self._experiment = made.experiment_id

    def upload(self, file: Path) -> tuple[str, str]:
        """Upload a pipeline, or a new version of it; the same file is uploaded once.

        Returns:
            Ids of the pipeline and of its version.
        """
        name = read_spec(file)["pipelineInfo"]["name"]
        version = f"{name}-{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
        pipeline = self._client.get_pipeline_id(name)
        if pipeline is None:
            pipeline = self._client.upload_pipeline(str(file), name).pipeline_id
            made = self._client.list_pipeline_versions(pipeline).pipeline_versions
            return pipeline, made[0].pipeline_version_id
        predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": version}
        same = self._client.list_pipeline_versions(
            pipeline, filter=json.dumps({"predicates": [predicate]})
        ).pipeline_versions
        if same:
            return pipeline, same[0].pipeline_version_id
        made = self._client.upload_pipeline_version(str(file), version, pipeline_id=pipeline)
        return pipeline, made.pipeline_version_id

    def run(self, name: str, version: tuple[str, str], parameters: dict[str, Any]) -> str:
        """Run once; returns the run's id."""
        pipeline, number = version
        made = self._client.run_pipeline(
            self._experiment, name, params=parameters, pipeline_id=pipeline, version_id=number
        )
        return made.run_id

    def schedule(
        self, name: str, version: tuple[str, str], parameters: dict[str, Any], cron: str
    ) -> str:
        """Run again and again, one run at a time; returns the id of the recurring run."""
        pipeline, number = version
        made = self._client.create_recurring_run(
            self._experiment,
            name,
            cron_expression=cron,
            max_concurrency=1,  # a workspace has one user at a time
            no_catchup=True,
            params=parameters,
            pipeline_id=pipeline,
            version_id=number,
        )
        return made.recurring_run_id

    def wait(self, run: str, seconds: float) -> str:
        """Wait until a run has ended.

        Args:
            run: id.
            seconds: between two looks at it.

        Returns:
            One of `FINISHED`.
        """
        while (state := self._client.get_run(run).state) not in FINISHED:
            time.sleep(seconds)
        return state


def read_spec(file: Path) -> dict[str, Any]:
    """The pipeline spec of a compiled pipeline.

    Raises:
        InputError: the file holds none.
    """
    try:
        spec = next(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, StopIteration) as error:
        reason = getattr(error, "strerror", None) or "it is no YAML"
        raise InputError(f"pipeline {file}: {reason}. Make it with carryover compile.") from None
    if not isinstance(spec, dict) or "pipelineInfo" not in spec:
        raise InputError(f"{file} is no pipeline. Make it with carryover compile.")
    return spec


def read_parameters(file: Path, given: list[str]) -> dict[str, Any]:
    """Parameters of a run, of the types that the pipeline says.

    Args:
        file: compiled pipeline.
        given: `name=value` texts.

    Raises:
        InputError: the pipeline has no such parameter, or it is of another type.
    """
    known = read_spec(file)["root"]["inputDefinitions"]["parameters"]
    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name not in known:
            allowed = ", ".join(sorted(known))
            raise InputError(f"--param wants name=value. Names: {allowed}. Received: {text}")
        kind = KINDS[known[name]["parameterType"]]
        try:
            values[name] = kind(value)
        except ValueError:
            raise InputError(f"--param {name}: not of type {kind.__name__}: {value}") from None
    return values


def check_cron(cron: str) -> None:
    """Refuse what Kubeflow would take for another time.

    Raises:
        InputError: there are not six fields.
    """
    if not cron.startswith("@") and len(cron.split()) != CRON_FIELDS:
        raise InputError(
            f"--cron: Kubeflow wants six fields, seconds first: '0 0 3 * * *' is daily at three. "
            f"Received: {cron}"
        )

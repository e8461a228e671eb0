"""Contract of DataGate."""

import json
from collections.abc import Iterable
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.artifact import Artifact
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.data_gate.executor import DataGateExecutor
from components.image_example_gen.component import ImageCatalog, ImageRejects


class DataFindings(Artifact):
    """Findings about the data: `findings.json`, and `lookalikes.csv` with pairs of pictures."""

    TYPE_NAME = "components.DataFindings"


class DataGateSpec(ComponentSpec):
    """Inputs, outputs and parameters of DataGate."""

    PARAMETERS = {  # noqa: RUF012 (TFX's contract)
        "validation": ExecutionParameter(type=str),
        "empty_classes": ExecutionParameter(type=str),
        "unverified_domains": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "catalog": ChannelParameter(type=ImageCatalog),
        "rejects": ChannelParameter(type=ImageRejects),
        "baseline_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {"findings": ChannelParameter(type=DataFindings)}  # noqa: RUF012


class DataGate(base_component.BaseComponent):
    """Reports findings about the data, and stops the run before any training.

    ExampleValidator only writes its anomalies and never stops a run. It compares one split at a
    time with the schema, and does not see rejected files, domains, or the serving model.

    Outputs:
        findings: Findings, see `components.data_gate.executor.read_findings`. TFX removes them
            where the gate stops the run; the error carries them then, see
            `components.data_gate.stopping`.
    """

    SPEC_CLASS = DataGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(DataGateExecutor)

    def __init__(
        self,
        statistics: types.BaseChannel,
        anomalies: types.BaseChannel,
        catalog: types.BaseChannel,
        rejects: types.BaseChannel,
        validation: dict[str, Any],
        empty_classes: Iterable[tuple[str, str]],
        code: str,
        baseline_model: types.BaseChannel | None = None,
        unverified_domains: Iterable[str] = (),
    ) -> None:
        """Configure the component.

        Args:
            statistics: StatisticsGen's output, with `statistics_options.statistics_options`.
            anomalies: ExampleValidator's output.
            catalog: ImageExampleGen's output.
            rejects: ImageExampleGen's output.
            validation: `ValidationOptions` as JSON-ready values.
            empty_classes: Domain and class of each folder that holds no files.
            code: Fingerprint of the code behind this component, for TFX's cache.
            baseline_model: Serving model, None for the first run.
            unverified_domains: Domains in which no picture has a label; they need no test pictures.
        """
        spec = DataGateSpec(
            statistics=statistics,
            anomalies=anomalies,
            catalog=catalog,
            rejects=rejects,
            baseline_model=baseline_model,
            validation=json.dumps(validation, sort_keys=True),
            empty_classes=json.dumps(sorted(empty_classes)),
            unverified_domains=json.dumps(sorted(unverified_domains)),
            code=code,
            findings=types.Channel(type=DataFindings),
        )
        super().__init__(spec=spec)

"""Contract of Evaluator."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.evaluation.executor import EvaluatorExecutor
from components.image_example_gen.component import ImageCatalog


class EvaluatorSpec(ComponentSpec):
    """Inputs, outputs and parameters of Evaluator."""

    PARAMETERS = {  # noqa: RUF012 (TFX's contract)
        "gate": ExecutionParameter(type=str),
        "domains": ExecutionParameter(type=str),
        "known_domains": ExecutionParameter(type=str),
        "baseline_version": ExecutionParameter(type=int),
        "earlier_versions": ExecutionParameter(type=str),
        "slices": ExecutionParameter(type=str),
        "slice_values": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "catalog": ChannelParameter(type=ImageCatalog),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {  # noqa: RUF012
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


class Evaluator(base_component.BaseComponent):
    """Compares a candidate with earlier versions in every domain and class, by TFMA.

    TFX's Evaluator calls both models for every picture, knows one baseline, and looks at each slice
    by itself. This one calls the candidate alone where the predictions of the baseline are kept
    with it, compares with every earlier version that has kept predictions, and lets the level of a
    test depend on how many there are. What it writes is what TFX's Evaluator writes.

    Outputs:
        evaluation: Results of TFMA; `gate.json`, see `gate.gate_table`; and the predictions, see
            `predictions.prediction_files`.
        blessing: Whether every gate passed, in the format of TFX's Evaluator.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(EvaluatorExecutor)

    def __init__(
        self,
        examples: types.BaseChannel,
        catalog: types.BaseChannel,
        model: types.BaseChannel,
        gate: dict[str, Any],
        domains: Iterable[str],
        known_domains: Iterable[str],
        baseline_version: int,
        earlier_versions: Mapping[int, str],
        code: str,
        baseline_model: types.BaseChannel | None = None,
        slices: Iterable[tuple[str, ...]] = (),
        slice_values: str = "",
    ) -> None:
        """Configure the component.

        Args:
            examples: Examples of ImageExampleGen; the test split is read.
            catalog: Catalog of ImageExampleGen.
            model: Exported model, the candidate.
            gate: `GateOptions` as JSON-ready values.
            domains: Domains of this run; one without test pictures fails.
            known_domains: Domains that the baseline was trained on.
            baseline_version: Version of the baseline; 0 for none.
            earlier_versions: Folders of the versions before it that the candidate is compared with,
                by their numbers.
            code: Fingerprint of the component's code and libraries, part of the cache key.
            baseline_model: Serving model; None for the first run.
            slices: Columns of every slice besides domains and classes.
            slice_values: Path of the values of these columns, see `predictions.slice_values`; its
                name depends on the values. "" without slices.
        """
        spec = EvaluatorSpec(
            examples=examples,
            catalog=catalog,
            model=model,
            baseline_model=baseline_model,
            gate=json.dumps(gate, sort_keys=True),
            domains=json.dumps(sorted(domains)),
            known_domains=json.dumps(sorted(known_domains)),
            baseline_version=baseline_version,
            earlier_versions=json.dumps(earlier_versions, sort_keys=True),
            slices=json.dumps(list(slices)),
            slice_values=slice_values,
            code=code,
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        super().__init__(spec=spec)

"""Ids of the components, as they appear in the DAG, in ML Metadata and in `summary.json`.

tests/pipeline/test_dag.py compares them with the compiled DAG. This module imports nothing of
ours, so that every room can use it.
"""

from typing import Final, Literal

#: Components of a run that trains a candidate.
TrainingComponentId = Literal[
    "ImageExampleGen",
    "StatisticsGen",
    "ImportSchemaGen",
    "ExampleValidator",
    "Baseline",
    "DataGate",
    "Transform",
    "Trainer",
    "Evaluator",
    "ServingCheck",
    "Pusher",
]

#: Component of a run that takes the candidate of an earlier one.
CandidateId = Literal["Candidate"]

ComponentId = Literal[TrainingComponentId, CandidateId, "Tuner"]

IMAGE_EXAMPLE_GEN: Final = "ImageExampleGen"
STATISTICS_GEN: Final = "StatisticsGen"
IMPORT_SCHEMA_GEN: Final = "ImportSchemaGen"
EXAMPLE_VALIDATOR: Final = "ExampleValidator"
DATA_GATE: Final = "DataGate"
TRANSFORM: Final = "Transform"
TRAINER: Final = "Trainer"
EVALUATOR: Final = "Evaluator"
SERVING_CHECK: Final = "ServingCheck"
PUSHER: Final = "Pusher"

#: Importer of the model to compare with; absent from the DAG of a first run.
BASELINE: Final = "Baseline"

#: Importer of a model that an earlier run trained, in place of Transform and Trainer.
CANDIDATE: Final = "Candidate"

#: TFX's Tuner, after Transform; only `carryover tune` has it.
TUNER: Final = "Tuner"

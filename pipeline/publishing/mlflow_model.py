"""`MLmodel`: the description with which MLflow loads a version, and its signature."""

import platform
from pathlib import Path
from typing import Any

from components.pusher.version_store import Push

#: Folder of the SavedModel in the folder of the model.
SAVED_MODEL = "saved_model"

_SIGNATURE = "serving_default"


def describe_mlflow_model(saved_model: Path, push: Push, run_id: str) -> Any:
    """Return the `mlflow.models.Model` of a version.

    `mlflow.pyfunc.load_model` gives a function of a table with a column of encoded pictures, and
    `mlflow.tensorflow.load_model` the signature of the SavedModel.

    Args:
        saved_model: Folder of the SavedModel.
        push: Record of its push.
        run_id: Id of the MLflow run whose artifact the model is.
    """
    from mlflow.models import Model
    from mlflow.models.signature import ModelSignature

    definition = _serving_signature(saved_model)
    model = Model(
        artifact_path="model",
        run_id=run_id,
        signature=ModelSignature(_schema(definition.inputs), _schema(definition.outputs)),
        metadata={"carryover.run_id": push.run_id, "carryover.digest": push.digest},
    )
    model.add_flavor(
        "tensorflow",
        saved_model_dir=SAVED_MODEL,
        model_type="tf1-estimator",  # MLflow's name for a SavedModel that is called by a signature
        meta_graph_tags=["serve"],
        signature_def_key=_SIGNATURE,
        code=None,
    )
    python = platform.python_version()
    model.add_flavor("python_function", loader_module="mlflow.tensorflow", python_version=python)
    return model


def _serving_signature(saved_model: Path) -> Any:
    """Return the SignatureDef of a SavedModel, without loading its graph."""
    from tensorflow.core.protobuf import saved_model_pb2

    content = (saved_model / "saved_model.pb").read_bytes()
    graphs = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    return graphs[0].signature_def[_SIGNATURE]


def _schema(tensors: Any) -> Any:
    """Return the schema of the inputs or outputs of a SignatureDef, in the order of their names."""
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import Array

    columns = []
    for name, tensor in sorted(tensors.items()):
        kind = _column_type(name, tensor.dtype)
        is_row = len(tensor.tensor_shape.dim) > 1
        columns.append(ColSpec(Array(kind) if is_row else kind, name))
    return Schema(columns)


def _column_type(name: str, dtype: int) -> Any:
    from mlflow.types import DataType
    from tensorflow.core.framework import types_pb2

    if dtype == types_pb2.DT_STRING:  # TensorFlow has one type for bytes and for text
        return DataType.binary if name == "image" else DataType.string
    kinds = {
        types_pb2.DT_FLOAT: DataType.float,
        types_pb2.DT_INT64: DataType.long,
        types_pb2.DT_BOOL: DataType.boolean,
    }
    return kinds[dtype]

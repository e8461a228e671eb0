"""Status and metadata of a model, as TensorFlow Serving writes them."""

from collections.abc import Mapping
from typing import Any

from pipeline.serving.loaded_versions import State


def status_document(states: Mapping[int, State]) -> dict[str, Any]:
    """GetModelStatusResponse as JSON.

    Args:
        states: of versions, by number; newest comes first.
    """
    return {
        "model_version_status": [
            {
                "version": str(number),
                "state": state.name,
                "status": {
                    "error_code": "UNKNOWN" if state.error else "OK",
                    "error_message": state.error,
                },
            }
            for number, state in sorted(states.items(), reverse=True)
        ]
    }


def metadata_document(name: str, number: int, signatures: dict[str, Any]) -> dict[str, Any]:
    """GetModelMetadataResponse as JSON.

    Args:
        name: of the model.
        number: of the version.
        signatures: of that version, see `describe_signatures`.
    """
    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(number)},
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def describe_signatures(signatures: Mapping[str, Any]) -> dict[str, Any]:
    """SignatureDef protos -> JSON, with every field, as TensorFlow Serving prints them."""
    return {
        name: {
            "inputs": {key: _describe(value) for key, value in signature.inputs.items()},
            "outputs": {key: _describe(value) for key, value in signature.outputs.items()},
            "method_name": signature.method_name,
        }
        for name, signature in signatures.items()
    }


def _describe(tensor: Any) -> dict[str, Any]:
    from tensorflow.core.framework.types_pb2 import DataType

    shape = tensor.tensor_shape
    return {
        "dtype": DataType.Name(tensor.dtype),
        "tensor_shape": {
            "dim": [{"size": str(side.size), "name": side.name} for side in shape.dim],
            "unknown_rank": shape.unknown_rank,
        },
        "name": tensor.name,
    }

"""Status and metadata responses of a model, as TensorFlow Serving writes them."""

from collections.abc import Mapping
from typing import Any

from pipeline.serving.loaded_versions import VersionState


def status_response(states: Mapping[int, VersionState]) -> dict[str, Any]:
    """Return TensorFlow Serving's GetModelStatusResponse as JSON, with the newest version first.

    Args:
        states: States of the versions, by number.
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


def metadata_response(name: str, number: int, signatures: dict[str, Any]) -> dict[str, Any]:
    """Return TensorFlow Serving's GetModelMetadataResponse as JSON.

    Args:
        name: Name of the model.
        number: Number of the version.
        signatures: Signatures of the version, see `describe_signatures`.
    """
    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(number)},
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def describe_signatures(signatures: Mapping[str, Any]) -> dict[str, Any]:
    """Return SignatureDef protos as JSON, with every field, as TensorFlow Serving prints them.

    Args:
        signatures: SignatureDef protos by name.
    """
    return {
        name: {
            "inputs": {key: _describe(value) for key, value in signature.inputs.items()},
            "outputs": {key: _describe(value) for key, value in signature.outputs.items()},
            "method_name": signature.method_name,
        }
        for name, signature in signatures.items()
    }


def _describe(tensor_info: Any) -> dict[str, Any]:
    from tensorflow.core.framework.types_pb2 import DataType

    shape = tensor_info.tensor_shape
    return {
        "dtype": DataType.Name(tensor_info.dtype),
        "tensor_shape": {
            "dim": [{"size": str(dim.size), "name": dim.name} for dim in shape.dim],
            "unknown_rank": shape.unknown_rank,
        },
        "name": tensor_info.name,
    }

"""Outputs of a version that are predictions of a class."""

from trainer_module.contract.example_features import CONFIDENCE, LABEL
from trainer_module.export.saved_model_classifier import Outputs


def are_predictions(outputs: Outputs) -> bool:
    """Return whether outputs are those of our signatures that predict a class.

    Args:
        outputs: Outputs by name, each of shape [batch, ...].
    """
    label, confidence = outputs.get(LABEL), outputs.get(CONFIDENCE)
    if label is None or confidence is None or label.dtype != object:
        return False
    return bool(label.ndim == confidence.ndim == 1)

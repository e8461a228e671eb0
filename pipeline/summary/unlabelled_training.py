"""What is known of the accuracy in domains whose unlabelled pictures a model was trained on."""

from collections.abc import Mapping
from typing import Any

from trainer_module.contract.output_text.wording import counted
from trainer_module.export.model_description import unlabelled_domains


def describe_unlabelled_training(
    description: Mapping[str, Any], test_images: Mapping[str, float | None]
) -> list[tuple[str, str, str]]:
    """Return a sentence for every domain, as what comes before its name, the name, and the rest.

    Args:
        description: Description of the model.
        test_images: Number of labelled test pictures by domain.
    """
    training = description.get("training", {})
    is_exported = training.get("chosen") == "semi_supervised"
    before = "Trained on" if is_exported else "This or an earlier training had"
    return [
        (
            f"{before} unlabelled pictures of ",
            name,
            f": accuracy there {_measured(test_images.get(name))}",
        )
        for name in sorted(unlabelled_domains(description))
    ]


def _measured(count: float | None) -> str:
    return f"measured on {counted(int(count), 'label')}" if count else "not measured"

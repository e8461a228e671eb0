"""Size of the activations of a training, in memory and on disk."""

import functools
import json
from dataclasses import dataclass
from math import prod

from pipeline.config.run_config import RunConfig
from pipeline.running.boundary_check import run_without_gpu

#: Bytes of a float16.
ITEM_BYTES = 2

#: Program that prints the shapes of an embedding and of the output of the boundary block. It is a
#: process of its own, see `boundary_check`.
PROGRAM = """
import json
from trainer_module.backbones import split_at
from trainer_module.classifier import build_classifier
from trainer_module.stages.fine_tuning_stage import freeze_boundary
from trainer_module.training_options import BackboneOptions
options = BackboneOptions.model_validate_json(sys.argv[1])
classifier = build_classifier(options, int(sys.argv[2]), ("a", "b"))
boundary = freeze_boundary(classifier, json.loads(sys.argv[3]))
model = classifier.backbone.model
print(json.dumps([model.output.shape[1:], split_at(model, boundary)[0].output.shape[1:]]))
"""


@dataclass(frozen=True)
class ActivationSize:
    """Bytes of the activations of a training.

    Attributes:
        memory: Bytes that fit into the budget of memory.
        disk: Bytes of the others.
    """

    memory: float = 0
    disk: float = 0


def activation_size(
    config: RunConfig, num_train: float, num_eval: float, budget: float
) -> ActivationSize:
    """Return the size of the activations, as `ActivationStore` divides them.

    Args:
        config: Config of the run.
        num_train: Number of pictures in the train split.
        num_eval: Number of pictures in the eval split.
        budget: Memory for activations, in bytes.
    """
    tuning = config.fine_tuning
    backbone = config.backbone.model_copy(update={"weights": "none"})
    boundary = json.dumps(tuning.trainable_from)
    shapes = _shapes(backbone.model_dump_json(), config.image_size, boundary)
    if shapes is None:
        return ActivationSize()
    embedding, view = (ITEM_BYTES * prod(shape) for shape in shapes)
    # In the order in which the trainer reserves them: an array is in memory or on disk as a whole.
    arrays = [num_train * embedding, num_eval * embedding]
    if tuning.epochs and tuning.trainable_from != 0:  # with 0, pictures are read from disk
        arrays = [num_train * embedding, num_train * view, num_eval * embedding, num_eval * view]
        arrays += [num_train * view] * (tuning.views - 1)
    memory, disk = 0.0, 0.0
    for size in arrays:
        if memory + size <= budget:
            memory += size
        else:
            disk += size
    return ActivationSize(memory, disk)


@functools.cache
def _shapes(backbone: str, image_size: int, trainable_from: str) -> list[list[int]] | None:
    """Return the shapes of an embedding and of a view; None if TensorFlow fails.

    Args:
        backbone: Options of the backbone, as JSON.
        image_size: Side of the pictures, in pixels.
        trainable_from: Boundary, as JSON.
    """
    shapes: list[list[int]] | None = run_without_gpu(
        PROGRAM, backbone, str(image_size), trainable_from
    )
    return shapes

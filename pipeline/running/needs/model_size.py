"""Size of the model of a run, from what is known of its backbone before it is built."""

from pathlib import Path

from trainer_module.backbones import num_parameters
from trainer_module.backbones.saved_network import is_saved_network, read_saved_network
from trainer_module.training_options import NAMED_WEIGHTS, BackboneOptions

#: Bytes of a float32.
ITEM_BYTES = 4


def weights_size(backbone: BackboneOptions) -> int:
    """Return the size of the weights of a backbone, in bytes.

    That of a network in files is the size of its files. So it is too large where they hold more
    than the part that reads pictures: the texts of CLIP, or the state of an optimizer.

    Args:
        backbone: Options of the backbone, whose files exist.

    Raises:
        InputError: The files are missing or damaged.
    """
    if is_saved_network(backbone.name):
        network = read_saved_network(backbone.name, backbone.scaling)
        return sum(file.stat().st_size for file in network.files)
    if backbone.weights not in NAMED_WEIGHTS:
        return Path(backbone.weights).stat().st_size
    return ITEM_BYTES * num_parameters(backbone.name)

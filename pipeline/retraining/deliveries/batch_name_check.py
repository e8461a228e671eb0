"""Check the name of a folder that becomes a batch in an inbox."""

from pathlib import Path

from pipeline.inputs.layouts.unlabelled_names import is_unlabelled
from pipeline.inputs.manifest import MANIFEST_SUFFIXES
from pipeline.inputs.system_files import skipped_kind
from pipeline.retraining.deliveries.inbox import READY
from trainer_module.contract.errors import InputError


def check_batch_name(output: Path) -> None:
    """Refuse a folder whose name an inbox leaves alone or takes for something else.

    Args:
        output: Path of the folder, the value of `--output`.

    Raises:
        InputError: Its name cannot be that of a batch.
    """
    if skipped_kind(output.name, is_folder=True):
        fault = "an inbox leaves a folder of this name alone"
    elif is_unlabelled(output.name) or output.name == READY:
        fault = "this name is kept for what a batch holds"
    elif output.suffix.lower() in MANIFEST_SUFFIXES:
        fault = f"an inbox takes a name that ends in {output.suffix} for that of a manifest"
    else:
        return
    raise InputError(f"--output {output}: {fault}. Give another name.")

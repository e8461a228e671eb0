"""Out-of-fold predictions, which are kept with a model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainer_module.contract.model_assets import OUT_OF_FOLD
from trainer_module.contract.workspace_files.array_files import read_arrays, write_arrays


@dataclass(frozen=True)
class OutOfFold:
    """Predictions for cross-fitted pictures, by models that were not trained on them.

    Attributes:
        image_ids: Image IDs, bytes [pictures].
        folds: Fold of each picture, int8 [pictures].
        probabilities: Probabilities of the classes of the model, float32 [pictures, classes].
    """

    image_ids: npt.NDArray[np.bytes_]
    folds: npt.NDArray[np.int8]
    probabilities: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.image_ids)

    def write(self, model: str) -> None:
        """Write the predictions into the folder of a model.

        Args:
            model: Folder of the SavedModel.
        """
        write_arrays(model, OUT_OF_FOLD, vars(self))


def read_out_of_fold(model: str) -> OutOfFold | None:
    """Read the out-of-fold predictions of a model; None for a model without cross-fitted pictures.

    Args:
        model: Folder of the SavedModel.

    Raises:
        UnavailableError: The predictions are unreadable or damaged.
    """
    return read_arrays(
        model,
        OUT_OF_FOLD,
        "out-of-fold predictions",
        lambda arrays: OutOfFold(arrays["image_ids"], arrays["folds"], arrays["probabilities"]),
    )

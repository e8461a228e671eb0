import numpy as np
import pytest

from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import OUT_OF_FOLD
from trainer_module.cross_fitting.out_of_fold import OutOfFold, read_out_of_fold

pytestmark = pytest.mark.component


def test_predictions_are_read_as_they_were_written(tmp_path):
    ids = np.array([b"a.png", b"long/b.png"])
    probabilities = np.array([[0.25, 0.75], [1, 0]], np.float32)
    OutOfFold(ids, np.array([3, 0], np.int8), probabilities).write(str(tmp_path))
    found = read_out_of_fold(str(tmp_path))
    assert len(found) == 2
    assert found.image_ids.tolist() == [b"a.png", b"long/b.png"]
    assert found.folds.tolist() == [3, 0]
    assert found.probabilities.tolist() == probabilities.tolist()


def test_a_model_without_predictions_has_none(tmp_path):
    assert read_out_of_fold(str(tmp_path)) is None


def test_damaged_predictions_are_reported(tmp_path):
    (tmp_path / OUT_OF_FOLD).parent.mkdir()
    (tmp_path / OUT_OF_FOLD).write_bytes(b"PK")
    with pytest.raises(UnavailableError, match="out-of-fold predictions"):
        read_out_of_fold(str(tmp_path))

import numpy as np
import pytest

from trainer_module.contract.errors import UnavailableError
from trainer_module.contract.model_assets import FOLD_MODELS
from trainer_module.cross_fitting.fold_models import (
    FoldModels,
    changed_weights,
    read_fold_models,
)

pytestmark = pytest.mark.component

#: Weights of a classifier: two arrays of a backbone, kernel and bias of a head of two classes.
EXPORTED = [np.full(shape, 1, np.float32) for shape in ((3,), (2, 2), (4, 2), (2,))]


def test_only_weights_that_differ_are_kept_and_the_next_run_starts_from_them(tmp_path):
    weights = [EXPORTED[0], EXPORTED[1] + 1, EXPORTED[2] + 2, EXPORTED[3] + 3]
    FoldModels({0: changed_weights(weights, EXPORTED), 2: {}}).write(str(tmp_path))
    models = read_fold_models(str(tmp_path))
    assert models.positions == {1, 2, 3}
    assert sorted(models.changed) == [0]
    start = models.start(0, EXPORTED, classes=2)
    assert all(np.array_equal(one, other) for one, other in zip(start, weights, strict=True))
    assert all(one.dtype == np.float32 for one in start)


def test_the_head_of_new_classes_starts_like_the_candidates(tmp_path):
    weights = [EXPORTED[0], EXPORTED[1], EXPORTED[2] + 2, EXPORTED[3] + 3]
    models = FoldModels({1: changed_weights(weights, EXPORTED)})
    start = [*EXPORTED[:2], np.zeros((4, 3), np.float32), np.zeros(3, np.float32)]
    _, _, kernel, bias = models.start(1, start, classes=2)
    assert kernel.tolist() == [[3, 3, 0]] * 4
    assert bias.tolist() == [4, 4, 0]
    assert not start[2].any()


def test_a_model_without_fold_models_has_none(tmp_path):
    assert read_fold_models(str(tmp_path)) is None


def test_damaged_fold_models_are_reported(tmp_path):
    (tmp_path / FOLD_MODELS).parent.mkdir()
    (tmp_path / FOLD_MODELS).write_bytes(b"\0" * 100)
    with pytest.raises(UnavailableError, match="fold models"):
        read_fold_models(str(tmp_path))

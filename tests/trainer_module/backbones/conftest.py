import functools
from collections.abc import Callable

import numpy as np
import pytest

from trainer_module.backbones import Backbone, build_backbone

_SIZE = 32


@pytest.fixture(scope="session")
def random_backbone() -> Callable[[str], Backbone]:
    """Builds a backbone for `images` with random weights, once for all tests."""
    return functools.cache(lambda name: build_backbone(name, weights=None, image_size=_SIZE))


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    pixels = np.random.default_rng(0).uniform(0, 255, (2, _SIZE, _SIZE, 3))
    return pixels.astype(np.float32)

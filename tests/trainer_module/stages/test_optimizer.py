import keras
import numpy as np
import pytest

from trainer_module.stages.optimizer import LayerwiseAdamW, warmup_cosine

pytestmark = pytest.mark.component


def test_each_variable_moves_by_its_own_rate():
    model = keras.Sequential([keras.Input((1,))] + [keras.layers.Dense(1) for _ in range(2)])
    optimizer = LayerwiseAdamW([0.0, 0.0, 1.0, 0.5], learning_rate=0.1, weight_decay=0)
    model.compile(optimizer=optimizer, loss="mse")
    before = model.get_weights()
    model.fit(np.ones((4, 1)), np.full((4, 1), 9.0), epochs=1, verbose=0)
    moved = [
        np.abs(after - old).item() for after, old in zip(model.get_weights(), before, strict=True)
    ]
    # The first step of Adam is the learning rate itself, whatever the gradient.
    assert moved == pytest.approx([0, 0, 0.1, 0.05], abs=1e-5)


def test_the_rate_rises_to_its_peak_and_falls_to_zero():
    rate = warmup_cosine(peak=1.0, steps=100, warmup=0.1)
    assert [float(rate(step)) for step in (0, 5, 10)] == pytest.approx([0, 0.5, 1.0])
    assert float(rate(55)) == pytest.approx(0.5, abs=1e-6)
    assert float(rate(100)) == pytest.approx(0, abs=1e-6)


def test_without_warmup_the_rate_starts_at_its_peak():
    assert float(warmup_cosine(peak=2.0, steps=10, warmup=0)(0)) == pytest.approx(2.0)

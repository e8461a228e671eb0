"""AdamW whose learning rate differs from layer to layer."""

from typing import Any

import keras


class LayerwiseAdamW(keras.optimizers.AdamW):
    """AdamW with a factor on the learning rate of every variable.

    Lower layers hold general features and need smaller steps: "Universal Language Model
    Fine-tuning for Text Classification" (Howard and Ruder, 2018) calls it discriminative
    fine-tuning. Scaling gradients instead would do nothing, as Adam divides by their size.
    """

    def __init__(self, rate_factors: list[float], **kwargs: Any) -> None:
        """Configure the optimizer.

        Args:
            rate_factors: one per trainable variable, in the model's order.
            **kwargs: of `keras.optimizers.AdamW`.
        """
        super().__init__(**kwargs)
        self._rate_factors = rate_factors

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable with its own learning rate."""
        factor = self._rate_factors[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * factor)

    def get_config(self) -> dict[str, Any]:
        """Configuration from which Keras can make the optimizer again."""
        return {**super().get_config(), "rate_factors": self._rate_factors}


def warmup_cosine(peak: float, steps: int, warmup: float) -> keras.optimizers.schedules.CosineDecay:
    """Rise to the peak in a straight line, then fall to zero along a cosine.

    Args:
        peak: highest learning rate.
        steps: of the whole training.
        warmup: share of the steps that the rise takes, 0 to 1.
    """
    rise = round(steps * warmup)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if rise else peak,
        decay_steps=max(1, steps - rise),
        warmup_target=peak if rise else None,
        warmup_steps=rise,
    )

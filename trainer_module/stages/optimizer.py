"""AdamW whose learning rate differs from layer to layer."""

from typing import Any

import keras
import tensorflow as tf


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
        """Update one variable with its own learning rate.

        TensorFlow's fused kernel does in one pass over memory what Keras does in ten: on a CPU
        that is a third of a training step.
        """
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=learning_rate * self._rate_factors[index],
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )

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

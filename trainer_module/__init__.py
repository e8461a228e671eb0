"""Training code that TFX calls by dotted path: Keras 3 and tf.data, usable without TFX."""

from trainer_module.contract.process_environment import prepare_environment

prepare_environment()

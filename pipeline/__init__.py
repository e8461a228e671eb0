"""The command line, the TFX pipeline, and how it is run, retrained, served and reported on."""

from trainer_module.contract.process_environment import prepare_environment

prepare_environment()

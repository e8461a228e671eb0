"""Programs of the steps on Kubeflow: `python -m pipeline.kubeflow.programs.<module>`."""

from trainer_module.contract.process_environment import prepare_environment

prepare_environment()

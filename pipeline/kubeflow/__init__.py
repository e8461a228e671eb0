"""Kubeflow: compile the pipeline or a training job, submit runs, and the programs of the steps."""

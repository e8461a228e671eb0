"""The same pipeline on Kubeflow Pipelines: compile, submit, and what its steps run."""

"""Programs of the steps on Kubeflow: `python -m pipeline.kubeflow.programs.<module>`."""

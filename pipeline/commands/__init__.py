"""The commands of `carryover` beside those of retraining and Kubeflow, and their logs."""

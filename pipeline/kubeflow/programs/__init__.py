"""The programs that run as steps on Kubeflow, each in a process of its own."""

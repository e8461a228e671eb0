"""One run on this machine: prepare the pipeline, launch its components, show their progress."""

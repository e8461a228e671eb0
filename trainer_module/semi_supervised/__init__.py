"""Semi-supervised stage: training with pictures that have no label."""

"""From transformed examples to training batches: preprocessing, augmentation, weighting."""

"""Training in several processes: the chief, the workers, and `TF_CONFIG`."""

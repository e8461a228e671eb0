"""The evaluation: slices, metrics, the paired change against the baseline, and the gates."""

"""What TFX's Evaluator measures: slices, metrics, the change against the baseline, and gates."""

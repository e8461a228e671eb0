"""Which unlabelled pictures to label next, and the folder that they are written to."""

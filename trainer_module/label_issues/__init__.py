"""Pictures whose label the features of the pretrained backbone contradict."""

"""Search of the options of a training: trials on shared activations, and the best of them."""

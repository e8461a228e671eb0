"""The only module that uses APIs which Keras does not document; each use has its reason."""

"""The only modules that use APIs which TFX and Beam do not document; each use has its reason."""

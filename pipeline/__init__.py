"""The command line, the TFX pipeline, and how it is run, retrained, served and reported on."""

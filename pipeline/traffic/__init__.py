"""Pictures that clients sent to the server, with their predictions: written and read as files."""

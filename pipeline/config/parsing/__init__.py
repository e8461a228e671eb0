"""Reading the file of a config and its YAML, with limits that no file can exceed."""

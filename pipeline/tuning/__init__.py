"""`carryover tune`: search of the options of the trainer, and the config file that it writes."""

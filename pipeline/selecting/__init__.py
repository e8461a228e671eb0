"""`carryover select`: the unlabelled pictures to choose from, and the command."""

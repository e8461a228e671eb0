"""`carryover select`: which unlabelled pictures to label next."""

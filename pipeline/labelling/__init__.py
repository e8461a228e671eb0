"""`carryover label`: give labels on a local page, and write them as a batch."""

"""A workspace in an object store: a chain of states, each made by one conditional write."""

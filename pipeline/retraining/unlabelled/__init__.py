"""Pictures without labels: estimates, and candidates that await labels."""

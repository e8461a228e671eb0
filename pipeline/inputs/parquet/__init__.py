"""Manifests in Parquet, read in a process of their own."""

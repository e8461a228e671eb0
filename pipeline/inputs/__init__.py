"""Input files of a run: from a folder or a manifest to a listing, the snapshot."""

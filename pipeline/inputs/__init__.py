"""The listing of pictures that a run is over: from a folder or a manifest to a snapshot."""

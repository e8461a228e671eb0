"""What a candidate must reach in every domain and class to be blessed."""

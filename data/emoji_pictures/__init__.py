"""Building blocks of `data/build_pictures.py`."""

"""Puts `data/` on the import path, where `data/build_pictures.py` has its modules."""

import sys

from repository import ROOT

sys.path.insert(0, str(ROOT / "data"))

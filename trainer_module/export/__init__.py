"""The exported model: signatures, calibration, reference embeddings, other formats."""

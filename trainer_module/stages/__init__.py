"""The two stages of training: frozen and fine-tuning, their objectives, and model selection."""

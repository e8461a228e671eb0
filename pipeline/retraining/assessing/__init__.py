"""How the serving model does on a batch, before anything is trained."""

"""The config of a run: the immutable `RunConfig`, its groups of options, and its file."""

from pipeline.config.config_file import load_config
from pipeline.config.run_config import RunConfig

__all__ = ["RunConfig", "load_config"]

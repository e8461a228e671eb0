"""Program that takes part in a training, as `TF_CONFIG` says.

Usage: a module of `warm_process`, with the `FnArgs` of the training as a JSON object.
"""

import json
import sys
from types import SimpleNamespace

from trainer_module.training import run_fn

if __name__ == "__main__":
    run_fn(SimpleNamespace(**json.loads(sys.argv[1])))

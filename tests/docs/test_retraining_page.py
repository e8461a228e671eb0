"""docs/retraining.md lists every state of a batch and every option."""

import re
from typing import get_args

from documentation import page

from pipeline.config.retraining_options import RetrainOptions
from pipeline.retraining.batch import OPEN, BatchState

TEXT = page("docs/retraining.md").text


def test_every_final_state_of_a_batch_is_explained():
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", TEXT, re.MULTILINE)
    assert set(get_args(BatchState)) - {OPEN} <= set(rows)


def test_every_option_is_listed_with_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$", TEXT, re.MULTILINE))
    for name, field in RetrainOptions.model_fields.items():
        default = str(field.default).removesuffix(".0").replace("None", "none").replace("()", "[]")
        assert rows[name].strip("` ").lower() == default.lower(), name

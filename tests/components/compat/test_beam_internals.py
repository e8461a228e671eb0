"""The undocumented names of Beam that we use, as the installed Beam has them."""

import pytest
from apache_beam.runners.runner import create_runner
from private_names import require

from components.compat.beam_internals import FN_API_RUNNER

pytestmark = pytest.mark.component

USED_IN = "components/compat/beam_internals.py"


def test_beam_creates_the_runner_that_the_path_names():
    module, _, name = FN_API_RUNNER.rpartition(".")
    require(f"{module}:{name}", USED_IN)
    runner = create_runner(FN_API_RUNNER)
    assert type(runner).__name__ == name

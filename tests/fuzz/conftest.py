"""Settings of the fuzz tests: the same cases in every run, or new ones for a seed.

`pytest tests/fuzz --hypothesis-seed=7` has many cases that depend on the seed; `make fuzz` does
that with new seeds until its time is over. Without a seed, a run has few cases, always the same.
"""

import pytest
from hypothesis import HealthCheck, settings
from mutated_bytes import MutationFuzzer

#: Examples of every property in a run without a seed.
NUM_EXAMPLES = 40

#: Factor on the number of cases of a run with a seed.
EFFORT = 10

settings.register_profile(
    "ci",
    max_examples=NUM_EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "long",
    parent=settings.get_profile("ci"),
    max_examples=NUM_EXAMPLES * EFFORT,
    derandomize=False,
    print_blob=True,
)


def pytest_configure(config: pytest.Config) -> None:
    """Choose the profile before the tests are read."""
    settings.load_profile("ci" if _seed(config) is None else "long")


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed."""
    seed = _seed(config)
    return "fuzz: the cases of CI" if seed is None else f"fuzz: --hypothesis-seed={seed}"


@pytest.fixture(scope="session")
def mutation_fuzzer(request: pytest.FixtureRequest) -> MutationFuzzer:
    """Reader of mutated files."""
    seed = _seed(request.config)
    return MutationFuzzer(0) if seed is None else MutationFuzzer(seed, EFFORT)


def _seed(config: pytest.Config) -> int | None:
    text = config.getoption("--hypothesis-seed", default=None)
    return None if text is None else int(text)

"""Sizes of memory."""

import pytest

from pipeline.serving.limits import memory_size
from pipeline.serving.limits.memory_size import default_max_memory, parse_size
from trainer_module.contract.errors import InputError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GiB", 2 * 2**30),
        ("512 MiB", 512 * 2**20),
        ("1.5GiB", 3 * 2**29),
        ("300MB", 300_000_000),
        (" 1GB ", 10**9),
    ],
)
def test_a_size_is_a_number_and_a_unit(text, size):
    assert parse_size("--max-memory", text) == size


@pytest.mark.parametrize("text", ["", "2", "GiB", "-1GiB", "2 gib", "inf GiB", "9" * 400 + "GiB"])
def test_anything_else_is_an_error_of_one_line(text):
    with pytest.raises(InputError, match="is no size") as error:
        parse_size("--max-memory", text)
    assert len(str(error.value)) < 200


def test_too_little_memory_is_an_error():
    with pytest.raises(InputError, match=r"255MiB is too small\. Give 256MiB at least"):
        parse_size("--max-memory", "255MiB")
    with pytest.raises(InputError, match=r"^--other: 9MB is too small\. Give 10MB at least\.$"):
        parse_size("--other", "9MB", smallest=10**7)


@pytest.mark.parametrize(("machine", "default"), [(16, 4), (64, 4), (4, 1), (0.5, 0.25)])
def test_the_default_is_a_quarter_of_the_machine_within_limits(monkeypatch, machine, default):
    monkeypatch.setattr(memory_size, "memory_limit", lambda: int(machine * 2**30))
    assert default_max_memory() == int(default * 2**30)

"""Mutates the bytes of valid files, as a damaged disk or an attacker does, and reads the results.

All is decided by one seed: a case is found again by its seed and its number.
"""

import random
import struct
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

#: CPU seconds that reading one case may take.
MAX_SECONDS = 10.0

#: Folder of files that once broke a reader, by the name of the reader.
CASES = Path(__file__).parents[1] / "fuzz" / "cases"

#: Numbers that lengths and sizes are replaced by: limits of their types, and their neighbours.
NUMBERS = (0, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)
LARGE_NUMBERS = (2**32, 2**63 - 1, 2**63, 2**64 - 1)

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

Mutation = Callable[[bytearray, random.Random], None]


@dataclass(frozen=True)
class MutationFuzzer:
    """Reads mutated files.

    Attributes:
        seed: Seed of all choices.
        effort: Factor on the number of cases.
    """

    seed: int
    effort: int = 1

    def run(
        self, reader: str, read: Callable[[bytes], object], files: Mapping[str, bytes], count: int
    ) -> None:
        """Read the valid files, the kept cases of the reader, and mutated files.

        Args:
            reader: Name of the reader, and of its folder in `CASES`.
            read: Function that gets the content of a file. It handles the errors that are right.
            files: Valid files by name.
            count: Number of mutated files, times `effort`.

        Raises:
            AssertionError: `read` raised an error, or took more than `MAX_SECONDS`.
        """
        names = sorted(files)
        for name in names:  # the first one may import a library, which takes its time
            read(files[name])
        for path in sorted((CASES / reader).glob("*")):
            _read_case(f"the case {path.name}", read, path.read_bytes())
        for number in range(count * self.effort):
            rng = random.Random(f"{reader} {self.seed} {number}")  # noqa: S311 (no secret)
            name = rng.choice(names)
            content = mutated(files[name], files[rng.choice(names)], rng)
            _read_case(f"seed {self.seed}, case {number} from {name}", read, content)


def mutated(content: bytes, other: bytes, rng: random.Random) -> bytes:
    """Return a file with a few mutations.

    Args:
        content: Content of a valid file.
        other: Content of a valid file, from which parts are taken.
        rng: Source of all choices.
    """
    result = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if rng.random() < 0.1:
            start, end = _slice(other, rng)
            result[_position(result, rng) : _position(result, rng)] = other[start:end]
        else:
            rng.choice(MUTATIONS)(result, rng)
    # Decoders check sums before all else: wrong ones would hide what lies behind.
    return _with_right_sums(bytes(result)) if rng.random() < 0.7 else bytes(result)


def _read_case(name: str, read: Callable[[bytes], object], content: bytes) -> None:
    start = time.process_time()
    try:
        read(content)
        seconds = time.process_time() - start
        assert seconds < MAX_SECONDS, f"it takes {seconds:.1f} s"
    except Exception as error:
        with tempfile.NamedTemporaryFile(prefix="fuzz-", delete=False) as file:
            file.write(content)
        raise AssertionError(f"{name} ({file.name}): {type(error).__name__} {error}") from error


def _position(content: bytearray, rng: random.Random) -> int:
    """Return a position, often near the beginning, where the headers are."""
    end = min(len(content), 64) if rng.random() < 0.4 else len(content)
    return rng.randrange(end + 1)


def _slice(content: bytes | bytearray, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(content) + 1)
    return start, min(len(content), start + rng.choice((1, 2, 4, 12, 40, 200, 2000)))


def _truncate(content: bytearray, rng: random.Random) -> None:
    del content[_position(content, rng) :]


def _flip_bits(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 8, 40))):
        position = _position(content, rng)
        if position < len(content):
            content[position] ^= 1 << rng.randrange(8)


def _change_number(content: bytearray, rng: random.Random) -> None:
    """Replace a number of 1 to 8 bytes, such as a length, a width or an offset."""
    size, code = rng.choice(((1, "B"), (2, "H"), (4, "I"), (8, "Q")))
    number = rng.choice((*NUMBERS, *LARGE_NUMBERS, len(content), rng.randrange(2**16)))
    position = _position(content, rng)
    content[position : position + size] = struct.pack(
        rng.choice("<>") + code, number % 2 ** (8 * size)
    )


def _remove(content: bytearray, rng: random.Random) -> None:
    start, end = _slice(content, rng)
    del content[start:end]


def _repeat(content: bytearray, rng: random.Random) -> None:
    start, end = _slice(content, rng)
    content[end:end] = content[start:end] * rng.choice((1, 1, 2, 30))


def _move(content: bytearray, rng: random.Random) -> None:
    start, end = _slice(content, rng)
    part = content[start:end]
    del content[start:end]
    position = _position(content, rng)
    content[position:position] = part


def _blank(content: bytearray, rng: random.Random) -> None:
    start, end = _slice(content, rng)
    content[start:end] = bytes([rng.choice((0, 255))]) * (end - start)


def _insert(content: bytearray, rng: random.Random) -> None:
    position = _position(content, rng)
    content[position:position] = rng.randbytes(rng.choice((1, 2, 4, 30)))


#: Every way to change a file.
MUTATIONS: tuple[Mutation, ...] = (
    _truncate,
    _flip_bits,
    _flip_bits,
    _change_number,
    _change_number,
    _remove,
    _repeat,
    _move,
    _blank,
    _insert,
)


def _with_right_sums(content: bytes) -> bytes:
    """Return a PNG with right check sums of all chunks; any other file as it is."""
    if not content.startswith(PNG_SIGNATURE):
        return content
    result, start = bytearray(content), len(PNG_SIGNATURE)
    while start + 12 <= len(result):
        length = int.from_bytes(result[start : start + 4], "big")
        end = start + 8 + length
        if end + 4 > len(result):
            break
        result[end : end + 4] = zlib.crc32(result[start + 4 : end]).to_bytes(4, "big")
        start = end + 4
    return bytes(result)

"""How often does the gate push a candidate whose true change is known?

Simulates candidates through the gate of the Evaluator, with its default options, and prints the
share that is pushed. `docs/gates.md` quotes the table. Two equally good models disagree on some
pictures: the table is printed for three shares of these.

    python tests/benchmarks/bench_gate.py [--pairs 2000] [--shares 0.01 0.02 0.04] [--parts abc]

A pair of part (g), with four more metrics, takes a hundred times as long as one of the others.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from planted_models import NEW_DOMAIN, Slice, domain_slices, simulate_chain

from components.evaluation.gate import row_values
from components.evaluation.gate.gate_options import NO_POSSIBLE_LOSS, GateOptions, MetricLimits

CLASSES = 7
DOMAINS = ("first", "second", "third", "fourth")

#: Letters of the questions, see `Setting`.
PARTS = "abcdefg"

#: Test pictures per class in domains without a change, where nothing else is said.
OTHER_PICTURES = 30

#: Steps of a chain of retrainings, and their change in one domain.
STEPS, STEP = 10, -0.015

#: Steps of a chain of equal models.
EQUAL_STEPS = 4

#: A setting of several steps has one chain for so many pairs. Each chain is several pairs itself.
CHAIN_PAIRS = 4

#: Chains that are simulated by one task.
TASK_SIZE = 50

#: Options of the gate.
DEFAULT = GateOptions()
STRICT = GateOptions(mode=NO_POSSIBLE_LOSS)
ALL_METRICS = GateOptions(
    metrics=MetricLimits(
        macro_f1=0.02, log_loss=0.05, calibration_error=0.03, recall_at_precision=0.05
    )
)

#: Factor of the logits of a candidate that is too confident.
SHARPNESS = 2.5


@dataclass(frozen=True)
class Setting:
    """One line of the table.

    Attributes:
        part: Letter of the question.
        text: What is simulated.
        slices: Test pictures and true changes.
        least: Least share that is wanted; None for none.
        most: Largest share that is wanted; None for none.
        steps: Candidates in a row.
        gate: Options of the gate.
        is_reachable: Whether any test at 5 % could reach what is wanted, see `docs/gates.md`.
    """

    part: str
    text: str
    slices: tuple[Slice, ...]
    least: float | None = None
    most: float | None = None
    steps: int = 1
    gate: GateOptions = DEFAULT
    is_reachable: bool = True


def settings() -> Iterator[Setting]:
    """Yield what is simulated; (a) to (e) with what is wanted of the gate."""
    for pictures in (10, 30, 100, 300):
        slices = _others(0, pictures)
        yield Setting("a", f"equal models, {pictures} pictures per class", slices, least=0.95)
    text = f"{EQUAL_STEPS} equal models in a row, share of steps"
    yield Setting("a", text, _others(0), steps=EQUAL_STEPS)
    for pictures in (30, 100, 300):
        first, *rest = _others(0, pictures)
        changed = Slice(first.domain, first.label, pictures, change=-0.15)
        text = f"one class -15 points, {pictures} pictures of it"
        most = 0.05 if pictures >= 100 else None
        yield Setting("b", text, (changed, *rest), most=most)
    for pictures in (50, 200, 1000):
        slices = domain_slices(DOMAINS[0], CLASSES, pictures, change=-0.05) + _others(1)
        yield Setting("c", f"a domain -5 points, {pictures:,} pictures", slices)
    for pictures in (200, 1000):
        slices = domain_slices(DOMAINS[0], CLASSES, pictures, change=STEP) + _others(1)
        text = f"steps of {STEP * 100:g} points, {pictures:,} pictures"
        is_reachable = pictures > 200
        yield Setting("d", text, slices, 0.95, steps=STEPS, is_reachable=is_reachable)
    for pictures, least in ((5, 0.7), (20, 0.9)):
        for change, low, high in ((0.10, least, None), (0.0, None, None), (-0.05, None, 0.05)):
            new = domain_slices(NEW_DOMAIN, CLASSES, CLASSES * pictures, change)
            text = f"a new domain {change * 100:+g} points, {pictures} pictures per class"
            yield Setting("e", text, new + _others(1), low, high)
    for pictures in (30, 150, 300):
        text = f"equal models, {NO_POSSIBLE_LOSS}, {pictures} pictures per class"
        yield Setting("f", text, _others(0, pictures), gate=STRICT)

    for pictures in (30, 100):
        text = f"equal models, all metrics gated, {pictures} pictures per class"
        yield Setting("g", text, _others(0, pictures), least=0.95, gate=ALL_METRICS)
    for pictures in (100, 200, 1000):
        slices = domain_slices(DOMAINS[0], CLASSES, pictures, sharpness=SHARPNESS) + _others(1)
        text = f"log loss of a domain +0.09, {pictures:,} pictures"
        yield Setting("g", text, slices, gate=ALL_METRICS)


def _others(start: int, pictures: int = OTHER_PICTURES) -> tuple[Slice, ...]:
    """Return the slices of the domains without a change, from a number of a domain on."""
    return tuple(
        one
        for domain in DOMAINS[start:]
        for one in domain_slices(domain, CLASSES, CLASSES * pictures)
    )


@dataclass(frozen=True)
class Task:
    """A part of the chains of one setting.

    Attributes:
        number: Number of the setting in `settings`.
        share: See `planted_models.simulate_chain`.
        first: Number of the first chain.
        chains: Number of chains.
    """

    number: int
    share: float
    first: int
    chains: int


def run_task(task: Task) -> tuple[int, list[list[bool]]]:
    """Simulate the chains of a task; return the number of the setting, and who was pushed."""
    setting = list(settings())[task.number]
    rng = np.random.default_rng([task.number, round(task.share * 1e4), task.first])
    # It does not decide about a push, and would take half of the time.
    with mock.patch.object(row_values, "smallest_detectable_loss", lambda *_: 0.0):
        return task.number, [
            simulate_chain(setting.slices, task.share, setting.steps, setting.gate, rng)
            for _ in range(task.chains)
        ]


@dataclass(frozen=True)
class Line:
    """A line of the table.

    Attributes:
        part: Letter of the question.
        text: What was simulated.
        value: Share of pushes, or of chains that lose less than twice `max_drop`.
        least: Least value that is wanted; None for none.
        most: Largest value that is wanted; None for none.
        is_reachable: See `Setting`.
        details: Distribution of the loss of a chain; empty for other settings.
    """

    part: str
    text: str
    value: float
    least: float | None
    most: float | None
    is_reachable: bool = True
    details: str = ""

    @property
    def is_missed(self) -> bool:
        """Whether the value is not what is wanted."""
        is_low = self.least is not None and self.value < self.least
        return is_low or (self.most is not None and self.value > self.most)

    def __str__(self) -> str:
        """Return the line as it is printed."""
        limits = [(">=", self.least), ("<=", self.most)]
        wanted = "".join(f"{sign} {limit:.2f}" for sign, limit in limits if limit is not None)
        missed = "MISS" if self.is_reachable else "MISS, see docs/gates.md"
        verdict = (missed if self.is_missed else "ok") if wanted else ""
        text = f"({self.part}) {self.text}"
        line = f"{text:<66}{self.value:6.3f}  {wanted:<8}{verdict}"
        return line.rstrip() + (f"\n      {self.details}" if self.details else "")


def make_lines(setting: Setting, chains: list[list[bool]]) -> Iterator[Line]:
    """Yield the lines of a setting.

    Args:
        setting: What was simulated.
        chains: Which candidates were pushed, for every chain.
    """
    if setting.part != "d":
        value = float(np.mean(chains))
        yield Line(setting.part, setting.text, value, setting.least, setting.most)
        return
    # A chain ends with its first rejection if a person looks at it then.
    until_rejection = [[*chain, False].index(False) for chain in chains]
    for text, pushes, is_reachable in (
        ("to the first rejection", until_rejection, setting.is_reachable),
        (f"all {STEPS} candidates", [sum(chain) for chain in chains], False),
    ):
        counts = sorted(Counter(pushes).items())
        below = sum(count for number, count in counts if -number * STEP < 2 * DEFAULT.max_drop)
        shares = (
            f"{number * STEP * 100 or 0:g}: {count / len(chains):.3f}" for number, count in counts
        )
        yield Line(
            setting.part,
            f"{setting.text}, {text}",
            below / len(chains),
            setting.least,
            setting.most,
            is_reachable,
            f"points at the end: {', '.join(shares)}",
        )


def simulate(pairs: int, share: float, workers: int, parts: str = PARTS) -> Iterator[Line]:
    """Simulate settings, and yield the lines of each as soon as it is simulated.

    Args:
        pairs: Number of pairs of models per setting.
        share: See `planted_models.simulate_chain`.
        workers: Number of processes; 1 for this one.
        parts: Letters of the questions that are simulated.
    """
    sizes = {
        number: pairs if setting.steps == 1 else max(1, pairs // CHAIN_PAIRS)
        for number, setting in enumerate(settings())
        if setting.part in parts
    }
    tasks = [
        Task(number, share, first, min(TASK_SIZE, size - first))
        for number, size in sizes.items()
        for first in range(0, size, TASK_SIZE)
    ]
    all_settings = list(settings())
    chains: dict[int, list[list[bool]]] = defaultdict(list)
    for number, found in _map(tasks, workers):
        chains[number] += found
        if len(chains[number]) == sizes[number]:
            yield from make_lines(all_settings[number], chains[number])


def _map(tasks: list[Task], workers: int) -> Iterator[tuple[int, list[list[bool]]]]:
    if workers == 1:
        yield from map(run_task, tasks)
    else:
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            yield from pool.imap(run_task, tasks)


def exit_code(lines: dict[float, list[Line]]) -> int:
    """Return 1 if an (a) or (d) line in reach is missed at the middle share, else 0."""
    middle = lines[sorted(lines)[len(lines) // 2]]
    return int(any(line.is_missed for line in middle if line.part in "ad" and line.is_reachable))


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate and print each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000, help="pairs of models per setting")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.01, 0.02, 0.04])
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--parts", default=PARTS, help=f"letters of the questions: {PARTS}")
    given = parser.parse_args(arguments)
    start = time.monotonic()
    lines: dict[float, list[Line]] = {}
    for share in given.shares:
        print(f"Equal models gain {share:.0%} of the pictures and lose as many; share pushed:")
        lines[share] = []
        for line in simulate(given.pairs, share, given.workers, given.parts):
            print(line, flush=True)
            lines[share].append(line)
        print()
    seconds = time.monotonic() - start
    print(f"{given.pairs:,} pairs, {given.workers} processes, {seconds:.0f} s")
    return exit_code(lines)


if __name__ == "__main__":
    sys.exit(main())

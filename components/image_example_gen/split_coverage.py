"""Moves groups of pictures so that small classes and domains are in every split."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from trainer_module.contract.example_features import SPLITS

TRAIN, EVAL, TEST = range(len(SPLITS))

#: Least pictures of a class or a domain that has to be in train and in test. A domain with so many
#: has to be in eval, too.
MIN_PICTURES = 3

#: Least pictures of a class that has to be in eval. Below, the picture is worth more in train:
#: with 0.15 of the pictures in eval, most classes of five have one there anyway.
MIN_PICTURES_EVAL = 6

IntArray: TypeAlias = npt.NDArray[np.int_]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

#: What a move may not take from a class (True) or from a domain (False): its last component there.
NOTHING: frozenset[tuple[bool, int]] = frozenset()
TRAINED_CLASSES = frozenset({(True, TRAIN)})
TESTED = frozenset({(True, TEST), (False, TEST)})
EVERYTHING = frozenset({(is_class, split) for is_class in (True, False) for split in range(3)})


class SplitCoverage:
    """Classes and domains of every component, and how many components each has in every split.

    A component is a set of pictures that must share a split. A code is a class or a domain.
    """

    def __init__(
        self,
        component: IntArray,
        label: IntArray,
        domain: IntArray,
        splits: IntArray,
        fixed: BoolArray,
        not_tested: BoolArray,
        position: npt.NDArray[np.uint64],
    ) -> None:
        """Count the components.

        Args:
            component: Component of every picture, 0 and up.
            label: Code of the class of every picture, 0 and up.
            domain: Code of the domain of every picture, 0 and up.
            splits: Split of every component, index in `SPLITS`.
            fixed: Whether the split of a component is given, for every component.
            not_tested: Whether a component may not be moved to test, for every component.
            position: Hash of every component; the lowest ones are in test, the next ones in eval.
        """
        self._num_labels = int(label.max()) + 1
        self._num_codes = self._num_labels + int(domain.max()) + 1
        codes = np.concatenate([label, domain + self._num_labels])
        self._pictures = np.bincount(codes, minlength=self._num_codes)
        owners = np.concatenate([component, component]).astype(np.int64)
        self._pairs = np.divmod(np.unique(owners * self._num_codes + codes), self._num_codes)
        self._assigned, self._fixed, self._position = splits, fixed, position
        self._not_tested = not_tested

    def cover(self) -> IntArray:
        """Move as few components as needed, see `splits.final_splits`.

        Returns:
            Split of every component, index in `SPLITS`, int.
        """
        labels, domains = self._pictures[: self._num_labels], self._pictures[self._num_labels :]
        large = np.flatnonzero(labels >= MIN_PICTURES)
        large_domains: IntArray = self._num_labels + np.flatnonzero(domains >= MIN_PICTURES)
        # The most important first: a later step may repair what an earlier one breaks.
        steps = (
            (TRAIN, large, NOTHING),
            (TEST, large_domains, TRAINED_CLASSES),
            (TEST, large, TRAINED_CLASSES),
            (TRAIN, large_domains, TESTED),
            (EVAL, large_domains, EVERYTHING),
            (EVAL, np.flatnonzero(labels >= MIN_PICTURES_EVAL), EVERYTHING),
        )
        owners, codes = self._pairs
        cells = np.bincount(
            codes * len(SPLITS) + self._assigned[owners], minlength=self._num_codes * len(SPLITS)
        )
        counts = cells.reshape(self._num_codes, len(SPLITS))
        if all(counts[codes, wanted].all() for wanted, codes, _ in steps):
            return self._assigned
        self._index(counts)
        for wanted, codes, kept in steps:
            self._fill(wanted, codes, kept)
        return np.array(self._splits)

    def _index(self, counts: IntArray) -> None:
        """Make lists of what a move looks up: single values of arrays are slow."""
        owners, codes = self._pairs
        self._codes_of = _lists(owners, codes, len(self._assigned))
        order = np.lexsort((owners, self._position[owners], codes))
        self._components_of = _lists(codes[order], owners[order], self._num_codes)
        self._counts: list[list[int]] = counts.tolist()
        self._splits: list[int] = self._assigned.tolist()

    def _fill(self, wanted: int, codes: IntArray, kept: frozenset[tuple[bool, int]]) -> None:
        """Move one component into a split for every code that has none there.

        It is the component whose hash is nearest to the split of those that may leave theirs.

        Args:
            wanted: Split to fill.
            codes: Codes that must be in the split.
            kept: What no code may lose, where every component is the last one of a code: whether
                the code is a class, and the split.
        """
        for code in codes.tolist():
            if self._counts[code][wanted]:
                continue
            candidates = self._components_of[code]
            if wanted == TRAIN:
                candidates = candidates[::-1]
            if wanted == TEST:
                candidates = [one for one in candidates if not self._not_tested[one]]
            moved = next((c for c in candidates if self._may_leave(c, EVERYTHING)), None)
            if moved is None:
                moved = next((c for c in candidates if self._may_leave(c, kept)), None)
            if moved is not None:
                self._move(moved, wanted)

    def _may_leave(self, moved: int, kept: frozenset[tuple[bool, int]]) -> bool:
        split = self._splits[moved]
        return not self._fixed[moved] and all(
            self._counts[code][split] > 1 or (code < self._num_labels, split) not in kept
            for code in self._codes_of[moved]
        )

    def _move(self, moved: int, wanted: int) -> None:
        for code in self._codes_of[moved]:
            self._counts[code][self._splits[moved]] -= 1
            self._counts[code][wanted] += 1
        self._splits[moved] = wanted


def _lists(keys: IntArray, values: IntArray, num_keys: int) -> list[list[int]]:
    """Return the values of every key; the keys are sorted."""
    ends = np.cumsum(np.bincount(keys, minlength=num_keys)).tolist()
    flat = values.tolist()
    return [flat[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]

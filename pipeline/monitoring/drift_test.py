"""Tests, picture by picture, whether a stream has pictures that no known domain has.

A stream may be any mixture of the known domains, with any class balance: that is no drift. So the
hypothesis is that every picture comes from one of the known groups, the classes of the domains.
Every `BLOCK` pictures a classifier learns what tells the newest pictures from the known ones, and
the test bets that the next ones are on its side more often than those of any group. Under the
hypothesis the wealth of the bets is a supermartingale, whatever the mixture: by Ville's inequality
it ever reaches 1 / `FALSE_ALARMS` with at most this probability, however often somebody looks.

- The bets are those of "Sequential predictive two-sample and independence testing" (Podkopaev and
  Ramdas, 2023, arXiv 2305.00143), against the mean of the worst group in place of a second sample,
  as in "Estimating means of bounded random variables by betting" (Waudby-Smith and Ramdas, 2020,
  arXiv 2010.09686).
- A test begins with every block, each with a part of the wealth, so that a late change is found as
  well ("E-detectors: a nonparametric framework for sequential change detection", Shin, Ramdas and
  Rinaldo, 2022, arXiv 2203.03532).

The means of the groups are known from a few eval pictures. Upper bounds stand for them, see
`known_pictures.upper_bounds`; where a bound is too low, the probability above does not hold.
"""

from dataclasses import dataclass, field

import numpy as np

from pipeline.monitoring.drift_classifier import DriftClassifier, learn_classifier
from pipeline.monitoring.known_pictures import COMPONENTS, Float64Array, KnownPictures

#: Probability that a stream of known pictures ever raises an alarm.
FALSE_ALARMS = 0.01

#: Wealth that is not exceeded, so that it stays a number.
MAX_WEALTH = 1e300

#: Pictures between two classifiers.
BLOCK = 25

#: Newest pictures that a classifier learns from, and fewest.
WINDOW, MIN_WINDOW = 100, 50


@dataclass
class DriftTest:
    """State of the test of one stream.

    Attributes:
        count: Number of pictures so far.
        wealth: Sum of the wealth of the tests that have begun.
        recent: Newest pictures as points, float64 [rows, dim of points]: the window,
            and the pictures of the block since then.
        alarm: Number of pictures up to the one that raised the alarm; None so far.
    """

    count: int = 0
    wealth: float = 0.0
    recent: Float64Array = field(default_factory=lambda: np.empty((0, COMPONENTS)))
    alarm: int | None = None

    def add(self, known: KnownPictures, points: Float64Array) -> None:
        """Add pictures in the order of their arrival; the last ones wait for a whole block.

        Args:
            known: Known pictures of the model.
            points: Pictures as points, float64 [rows, dim of points].
        """
        self.recent = np.concatenate([self.recent.reshape(-1, points.shape[1]), points])
        waiting = self.count % BLOCK + len(points)
        self.count += len(points)
        while waiting >= BLOCK:
            end = len(self.recent) - waiting
            self._add_block(known, end, self.count - waiting)
            waiting -= BLOCK
        self.recent = self.recent[max(0, len(self.recent) - waiting - WINDOW) :]

    def _add_block(self, known: KnownPictures, start: int, position: int) -> None:
        """Bet on the block that begins in a row of `recent`, before so many pictures of all."""
        number = position // BLOCK + 1
        self.wealth += 1 / (number * (number + 1))  # the parts of all blocks together are 1
        newest = self.recent[max(0, start - WINDOW) : start]
        found = learn_classifier(known, newest) if len(newest) >= MIN_WINDOW else None
        if not found:
            return
        factors = np.cumprod(bet(found, self.recent[start : start + BLOCK]))
        # The wealth of tests that begin later is still there.
        with np.errstate(over="ignore"):  # infinity is enough
            wealth = self.wealth * factors + 1 / (number + 1)
        reached = np.flatnonzero(wealth >= 1 / FALSE_ALARMS)
        if len(reached) and self.alarm is None:
            self.alarm = position + int(reached[0]) + 1
        self.wealth = min(self.wealth * float(factors[-1]), MAX_WEALTH)


def bet(classifier: DriftClassifier, points: Float64Array) -> Float64Array:
    """Return by how much the wealth is multiplied for every picture, float64 [rows].

    Args:
        classifier: Classifier that did not learn from the pictures.
        points: Pictures as points, float64 [rows, dim of points].
    """
    known_share = classifier.known_share
    stake = (classifier.share - known_share) / (known_share * (1 - known_share))
    return 1 + stake * (classifier.choose(points) - known_share)

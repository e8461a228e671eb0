"""Which versions of a model serve: those of a directory, as they come and go."""

import gc
import logging
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Model = TypeVar("Model")

#: How many versions are kept in memory, the newest first: one to answer, and the one before it to
#: compare with and to fall back on. As TensorFlow Serving with `latest { num_versions: 2 }`.
KEPT = 2

_logger = logging.getLogger("carryover.serving")


@dataclass(frozen=True)
class State:
    """What became of a version, in the words of TensorFlow Serving.

    Attributes:
        name: LOADING, AVAILABLE, UNLOADING or END.
        error: why it could not be loaded, if it could not.
    """

    name: str
    error: str = ""


class Versions(Generic[Model]):
    """Follows a directory of versions.

    `look` is called again and again by one thread; everything else may be called by any. A request
    keeps the model that it got for as long as it needs it.
    """

    def __init__(self, list_versions: Callable[[], list[int]], load: Callable[[int], Model]):
        """Start with nothing loaded.

        Args:
            list_versions: numbers of the versions in the directory.
            load: makes a version ready to answer; whatever it raises means that it cannot be.
        """
        self._list, self._load = list_versions, load
        self._models: dict[int, Model] = {}
        self._states: dict[int, State] = {}
        self._lost = False

    def newest(self) -> int | None:
        """The version that answers, None while there is none."""
        return max(self._models, default=None)

    def get(self, number: int | None = None) -> Model | None:
        """A version that is loaded, the newest if none is named."""
        models = self._models
        return models.get(max(models, default=0) if number is None else number)

    def loaded(self) -> dict[int, Model]:
        """All that are loaded, newest first."""
        return dict(sorted(self._models.items(), reverse=True))

    def states(self) -> dict[int, State]:
        """What became of every version that was ever looked at, by number."""
        return dict(sorted(self._states.items()))

    def look(self) -> None:
        """Load what is new, drop what is gone or too old."""
        found = self._list()
        if bool(found) == self._lost:
            self._lost = not found
            if not found:
                _logger.warning("no version is left on disk; what serves goes on serving")
        if found:
            self._forget_failures(found)
            self._follow(found)
        if any(state.name == "UNLOADING" for state in self._states.values()):
            gc.collect()  # what TensorFlow loads holds itself in cycles

    def _follow(self, found: list[int]) -> None:
        """Keep the newest versions that can be loaded, and answer from each as soon as it is."""
        kept: list[int] = []
        self._keep([number for number in self._models if number in found])
        for number in sorted(found, reverse=True):
            if len(kept) < KEPT and (number in self._models or self._try(number)):
                kept.append(number)
                self._keep([loaded for loaded in self._models if loaded in found])
        self._keep(kept)

    def _try(self, number: int) -> bool:
        """Load a version beside those that serve; whether it could be loaded."""
        if self._states.get(number, State("")).error:
            return False
        self._states = self._states | {number: State("LOADING")}
        try:
            model = self._load(number)
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            self._states = self._states | {number: State("END", reason)}
            _logger.error("version %d cannot be loaded: %s", number, reason)
            return False
        self._states = self._states | {number: State("AVAILABLE")}
        self._models = self._models | {number: model}
        _logger.info("version %d is loaded; version %d answers", number, self.newest())
        weakref.finalize(model, self._ended, number)
        return True

    def _keep(self, numbers: list[int]) -> None:
        """Let go of all other versions, unless nothing would be left to answer."""
        dropped = set(self._models) - set(numbers)
        if not dropped or not numbers:
            return
        for number in dropped:
            self._states = self._states | {number: State("UNLOADING")}
            _logger.info("version %d goes; version %d answers", number, max(numbers))
        self._models = {number: self._models[number] for number in numbers}

    def _ended(self, number: int) -> None:
        """The last request to a version is done."""
        self._states = self._states | {number: State("END")}

    def _forget_failures(self, found: list[int]) -> None:
        """A number that failed may come back with another model once it was gone."""
        self._states = {
            number: state
            for number, state in self._states.items()
            if number in found or not state.error
        }

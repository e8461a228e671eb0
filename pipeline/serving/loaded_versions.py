"""Versions of a model that are loaded, kept in step with the directory of versions."""

import gc
import logging
import time
import weakref
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

Model = TypeVar("Model")

#: Number of versions that are kept in memory: the serving version, and the one in shadow, or else
#: the one before it, to compare with and to roll back to. Without a shadow it is the same as
#: TensorFlow Serving's policy `latest { num_versions: 2 }`.
NUM_LOADED = 2

#: Seconds after which a version that could not be loaded is tried again: a disk may have failed, or
#: a person may have restored its files.
RETRY_SECONDS = 60.0

_logger = logging.getLogger("carryover.serving")


@dataclass(frozen=True)
class VersionState:
    """State of a version, in TensorFlow Serving's terms.

    Attributes:
        name: LOADING, AVAILABLE, UNLOADING or END.
        error: Reason why the version in the directory cannot be loaded; empty otherwise. One that
            is available all the same was loaded before another model got its number.
    """

    name: str
    error: str = ""


class LoadedVersions(Generic[Model]):
    """Loaded versions of a model, which follow a directory of versions.

    One thread calls `update` again and again; any thread may call the other methods. A request
    keeps the model that it got for as long as it needs it.
    """

    def __init__(
        self,
        list_versions: Callable[[], list[int]],
        load: Callable[[int], Model],
        identify: Callable[[int], str] = str,
        clock: Callable[[], float] = time.monotonic,
        pinned: Collection[int] = (),
        promoted: Callable[[], int | None] = lambda: None,
        is_refused: Callable[[int], bool] = lambda number: False,
    ) -> None:
        """Start without loaded versions.

        Args:
            list_versions: Function that returns the numbers of the versions in the directory.
            load: Function that loads a version. If it raises any error, the version cannot be
                loaded for now.
            identify: Function that returns what tells the model of a version from another model
                that gets its number later; "" if it is unknown. It raises no error.
            clock: Function that returns the time, in seconds.
            pinned: Numbers of versions that are kept in memory beside the newest.
            promoted: Function that returns the newest version that may serve; None if all may. Of
                those after it, the newest is kept in shadow, beside the serving version.
            is_refused: Function that returns whether a version after the promoted one was decided
                not to serve. The serving version stays in memory rather than let such a one serve.
        """
        self._list_versions, self._load, self._clock = list_versions, load, clock
        self._identify, self._pinned, self._promoted = identify, pinned, promoted
        self._is_refused = is_refused
        self._failures: dict[int, tuple[float, str]] = {}  # time and identity
        self._models: dict[int, Model] = {}
        self._identities: dict[int, str] = {}  # of the models
        self._states: dict[int, VersionState] = {}
        self._directory_is_empty = False

    def serving(self) -> int | None:
        """Return the number of the serving version, or None if no version is loaded."""
        return self._serving_among(self._models)

    def newest(self) -> int | None:
        """Return the number of the newest version, be it in shadow; None if none is loaded."""
        return max(self._models, default=None)

    def shadow(self) -> int | None:
        """Return the number of the version in shadow; None if the newest version serves."""
        models = self._models
        newest = max(models, default=None)
        return None if newest == self._serving_among(models) else newest

    def get(self, number: int | None = None) -> Model | None:
        """Return a loaded version.

        Args:
            number: Number of the version; None for the serving version.

        Returns:
            The version, or None if it is not loaded.
        """
        models = self._models
        wanted = self._serving_among(models) if number is None else number
        return None if wanted is None else models.get(wanted)

    def identity(self, number: int) -> str:
        """Return what tells a loaded version from others of its number; "" if it is unknown."""
        return self._identities.get(number, "")

    def loaded(self) -> dict[int, Model]:
        """Return all loaded versions by number, the newest first."""
        return dict(sorted(self._models.items(), reverse=True))

    def states(self) -> dict[int, VersionState]:
        """Return the states of all versions that have been loaded or tried, by number."""
        return dict(sorted(self._states.items()))

    def update(self) -> None:
        """Load new versions, and unload those that are old or no longer in the directory."""
        listed = self._list_versions()
        if bool(listed) == self._directory_is_empty:
            self._directory_is_empty = not listed
            if not listed and self._models:
                _logger.warning(
                    "the directory of versions is empty; the loaded versions keep serving"
                )
        if listed:
            self._forget_failures(listed)
            self._load_wanted(listed)
        if any(state.name == "UNLOADING" for state in self._states.values()):
            gc.collect()  # objects that TensorFlow loads are in reference cycles

    def _load_wanted(self, listed: list[int]) -> None:
        """Load what is to be in memory, the serving version first; it serves once it is loaded."""
        kept: list[int] = []
        promoted = self._promoted()
        current = {number for number in self._models if self._is_current(number, listed)}
        held = [] if self._may_serve(current) else self._find_held(listed)
        if self._may_serve(current) or not self._may_serve(listed):
            self._unload_all_but(current.union(held))
        newest_first = sorted(listed, reverse=True)
        able = [number for number in newest_first if self._may_serve([number])]
        others = [number for number in newest_first if number not in able]
        pinned = [number for number in newest_first if number in self._pinned]
        # One that may serve, one in shadow beside it, or else the one before: `NUM_LOADED` in all.
        steps = (able, 1), (others, NUM_LOADED), (able, NUM_LOADED), (pinned, len(listed))
        for numbers, most in steps:
            for number in numbers:
                is_wanted = number not in kept and len(kept) < most
                if is_wanted and (number in current or self._try_to_load(number)):
                    kept.append(number)
                    current.add(number)
                    self._unload_all_but(current.union(kept))
            if not kept:
                kept += held  # no version of the directory can take its place
        if self._promoted() == promoted:  # otherwise the next update knows better what to keep
            self._unload_all_but(kept)

    def _find_held(self, listed: list[int]) -> list[int]:
        """Return the serving version if it stays in memory although the directory lacks it.

        Its number may have another model that cannot be loaded, or the newest version may be one
        that was decided not to serve.
        """
        serving = self.serving()
        if serving is None or not self._may_serve([serving]):
            return []
        if serving in listed:
            return [serving]
        is_stuck = not self._may_serve(listed) and self._is_refused(max(listed))
        return [serving] if is_stuck else []

    def _may_serve(self, numbers: Collection[int]) -> bool:
        """Return whether any of the versions may serve, so that none after it has to."""
        promoted = self._promoted()
        return any(promoted is None or number <= promoted for number in numbers)

    def _serving_among(self, numbers: Collection[int]) -> int | None:
        """Return which of the versions serves: without one that may, the newest does."""
        able = [number for number in numbers if self._may_serve([number])]
        return max(able or numbers, default=None)

    def _is_current(self, number: int, listed: list[int]) -> bool:
        """Return whether the directory holds the model that is loaded under a number."""
        return number in listed and self._identify(number) in ("", self._identities[number])

    def _try_to_load(self, number: int) -> bool:
        """Load a version while the others serve, and return whether it could be loaded."""
        earlier = self._states.get(number, VersionState("")).error
        if earlier and self._clock() - self._failures[number][0] < RETRY_SECONDS:
            return False
        identity = self._identify(number)  # before the load: a change during it is seen later
        self._states = self._states | {number: VersionState("LOADING")}
        try:
            model = self._load(number)
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            name = "AVAILABLE" if number in self._models else "END"
            self._states = self._states | {number: VersionState(name, reason)}
            self._failures[number] = (self._clock(), identity)
            if reason != earlier:
                _logger.error("version %d cannot be loaded: %s", number, reason)
            return False
        self._states = self._states | {number: VersionState("AVAILABLE")}
        is_replaced = number in self._models
        self._identities[number] = identity
        self._models = self._models | {number: model}
        if is_replaced:
            gc.collect()
        _logger.info("version %d is loaded; the serving version is %d", number, self.serving())
        weakref.finalize(model, self._on_unloaded, number)
        return True

    def _unload_all_but(self, numbers: Collection[int]) -> None:
        """Unload all other versions, unless no version would be left."""
        unloaded = set(self._models) - set(numbers)
        if not unloaded or not numbers:
            return
        for number in unloaded:
            self._states = self._states | {number: replace(self._states[number], name="UNLOADING")}
            _logger.info(
                "version %d is being unloaded; the serving version is %d",
                number,
                self._serving_among(numbers),
            )
        self._models = {number: self._models[number] for number in numbers}

    def _on_unloaded(self, number: int) -> None:
        """Mark a version as unloaded; its last request is complete."""
        state = self._states.get(number)
        if state and state.name == "UNLOADING":  # not if another model has its number now
            self._states = self._states | {number: replace(state, name="END")}

    def _forget_failures(self, listed: list[int]) -> None:
        """Forget failures of models that are gone: their numbers may return with other models."""
        states: dict[int, VersionState] = {}
        for number, state in self._states.items():
            if not state.error or self._is_unchanged(number, listed):
                states[number] = state
            elif state.name != "END":
                states[number] = replace(state, error="")
        self._states = states

    def _is_unchanged(self, number: int, listed: list[int]) -> bool:
        """Return whether the directory holds the model that could not be loaded."""
        return number in listed and self._identify(number) in ("", self._failures[number][1])

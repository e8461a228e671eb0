"""A directory of versions, followed with models that are no TensorFlow."""

import gc

import pytest

from pipeline.serving.loaded_versions import Versions


class Model:
    def __init__(self, number: int) -> None:
        self.number = number


class Directory:
    """Versions on disk, some of which cannot be loaded."""

    def __init__(self, *numbers: int) -> None:
        self.numbers, self.broken = list(numbers), set()
        self.loads: list[int] = []
        self.during_load = lambda: None
        self.versions = Versions(lambda: self.numbers, self._load)

    def _load(self, number: int) -> Model:
        self.loads.append(number)
        self.during_load()
        if number in self.broken:
            raise ValueError(f"no graph\nin {number}")
        return Model(number)

    def look(self, *numbers: int) -> list[int]:
        """Set what is on disk, look at it, and say what is loaded, newest first."""
        self.numbers = list(numbers)
        self.versions.look()
        return list(self.versions.loaded())


@pytest.fixture(name="directory")
def _directory() -> Directory:
    return Directory()


def names(directory: Directory) -> dict[int, str]:
    return {number: state.name for number, state in directory.versions.states().items()}


def test_the_newest_two_are_loaded_the_newest_first(directory):
    assert directory.look(1, 2, 10) == [10, 2]
    assert directory.loads == [10, 2]
    assert directory.versions.newest() == directory.versions.get().number == 10
    assert directory.versions.get(2).number == 2
    assert directory.versions.get(1) is None


def test_a_new_version_answers_and_the_oldest_goes(directory):
    directory.look(1, 2)
    assert directory.look(1, 2, 3) == [3, 2]
    assert directory.loads == [2, 1, 3]
    directory.look(1, 2, 3)
    assert names(directory) == {1: "END", 2: "AVAILABLE", 3: "AVAILABLE"}


def test_after_a_rollback_the_version_before_answers_before_anything_is_loaded(directory):
    directory.look(1, 2, 3)
    answering = []
    directory.during_load = lambda: answering.append(directory.versions.newest())
    assert directory.look(1, 2) == [2, 1]
    assert answering == [2]


def test_a_version_in_use_is_unloading_until_its_last_request_is_done(directory):
    directory.look(1, 2)
    used = directory.versions.get(1)
    directory.look(1, 2, 3)
    assert names(directory)[1] == "UNLOADING"
    assert used.number == 1
    del used
    gc.collect()
    assert names(directory)[1] == "END"


def test_a_version_that_cannot_be_loaded_is_reported_and_not_tried_again(directory):
    directory.look(1, 2)
    directory.broken = {3}
    assert directory.look(1, 2, 3) == directory.look(1, 2, 3) == [2, 1]
    assert directory.loads.count(3) == 1
    state = directory.versions.states()[3]
    assert (state.name, state.error) == ("END", "no graph in 3")


def test_a_number_that_failed_may_come_back_with_another_model(directory):
    directory.broken = {1}
    assert directory.look(1) == []
    directory.look()
    directory.look(2)
    directory.broken = set()
    assert directory.look(1, 2) == [2, 1]


def test_what_serves_goes_on_when_everything_is_gone_and_makes_room_for_what_comes(directory):
    directory.look(1)
    assert directory.look() == [1]
    directory.broken = {2}
    assert directory.look(2) == [1]
    assert directory.look(3) == [3]


def test_while_it_loads_a_version_says_so(directory):
    seen = []
    directory.during_load = lambda: seen.append(names(directory))
    directory.look(7)
    assert seen == [{7: "LOADING"}]

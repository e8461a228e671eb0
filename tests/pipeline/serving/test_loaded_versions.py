"""Loaded versions that follow a directory, with models that need no TensorFlow."""

import gc

import pytest

from pipeline.serving.loaded_versions import LoadedVersions

#: Version that is kept in memory.
PINNED = [77]


class Model:
    def __init__(self, number: int, content: str) -> None:
        self.number, self.content = number, content


class Directory:
    """Versions on disk, some of which cannot be loaded, and the newest one that may serve."""

    def __init__(self, promoted: int | None = None) -> None:
        self.numbers, self.broken = [], set()
        self.promoted = promoted
        self.refused: set[int] = set()
        self.loads: list[int] = []
        self.during_load = lambda: None
        self.now = 0.0
        self.contents: dict[int, str] = {}
        self.versions = LoadedVersions(
            lambda: self.numbers,
            self._load,
            lambda number: self.contents.get(number, "first"),
            lambda: self.now,
            PINNED,
            lambda: self.promoted,
            lambda number: number in self.refused,
        )

    def _load(self, number: int) -> Model:
        self.loads.append(number)
        self.during_load()
        if number in self.broken:
            raise ValueError(f"no graph\nin {number}")
        return Model(number, self.contents.get(number, "first"))

    def update(self, *numbers: int) -> list[int]:
        """Set the versions on disk, update, and return the loaded versions, newest first."""
        self.numbers = list(numbers)
        self.versions.update()
        return list(self.versions.loaded())

    def serve(self, *numbers: int) -> tuple[int | None, int | None]:
        """Update to these versions, and return the serving one and the one in shadow."""
        self.update(*numbers)
        return self.versions.serving(), self.versions.shadow()


@pytest.fixture(name="directory")
def _directory() -> Directory:
    return Directory()


def state_names(directory: Directory) -> dict[int, str]:
    return {number: state.name for number, state in directory.versions.states().items()}


def test_the_newest_two_are_loaded_the_newest_first(directory):
    assert directory.update(1, 2, 10) == [10, 2]
    assert directory.loads == [10, 2]
    assert directory.versions.serving() == directory.versions.get().number == 10
    assert directory.versions.get(2).number == 2
    assert directory.versions.get(1) is None


def test_a_new_version_serves_and_the_oldest_is_unloaded(directory):
    directory.update(1, 2)
    assert directory.update(1, 2, 3) == [3, 2]
    assert directory.loads == [2, 1, 3]
    directory.update(1, 2, 3)
    assert state_names(directory) == {1: "END", 2: "AVAILABLE", 3: "AVAILABLE"}


def test_after_a_rollback_the_earlier_version_serves_before_another_is_loaded(directory):
    directory.update(1, 2, 3)
    serving = []
    directory.during_load = lambda: serving.append(directory.versions.serving())
    assert directory.update(1, 2) == [2, 1]
    assert serving == [2]


def test_a_version_in_use_is_unloading_until_its_last_request_is_complete(directory):
    directory.update(1, 2)
    used = directory.versions.get(1)
    directory.update(1, 2, 3)
    assert state_names(directory)[1] == "UNLOADING"
    assert used.number == 1
    del used
    gc.collect()
    assert state_names(directory)[1] == "END"


def test_a_version_that_cannot_be_loaded_is_reported_and_not_tried_again_at_once(directory):
    directory.update(1, 2)
    directory.broken = {3}
    assert directory.update(1, 2, 3) == directory.update(1, 2, 3) == [2, 1]
    assert directory.loads.count(3) == 1
    state = directory.versions.states()[3]
    assert (state.name, state.error) == ("END", "no graph in 3")


def test_a_version_whose_files_were_restored_is_loaded_after_a_while(directory, caplog):
    directory.broken = {3}
    for directory.now in (0, 30, 60, 90, 120):
        assert directory.update(1, 2, 3) == [2, 1]
    assert directory.loads.count(3) == 3
    assert caplog.text.count("version 3 cannot be loaded: no graph in 3") == 1
    directory.broken = set()
    directory.now = 150
    assert directory.update(1, 2, 3) == [2, 1]
    directory.now = 180
    assert directory.update(1, 2, 3) == [3, 2]
    assert directory.versions.states()[3].error == ""


def test_a_number_that_failed_may_come_back_with_another_model(directory):
    directory.broken = {1}
    assert directory.update(1) == []
    directory.update()
    directory.update(2)
    directory.broken = set()
    assert directory.update(1, 2) == [2, 1]


def test_the_loaded_version_keeps_serving_an_empty_directory_until_another_is_loaded(directory):
    directory.update(1)
    assert directory.update() == [1]
    directory.broken = {2}
    assert directory.update(2) == [1]
    assert directory.update(3) == [3]


def test_the_state_of_a_version_is_loading_while_it_is_loaded(directory):
    seen = []
    directory.during_load = lambda: seen.append(state_names(directory))
    directory.update(7)
    assert seen == [{7: "LOADING"}]


def replace_model(directory: Directory, number: int) -> None:
    """Delete all versions, and give a number to another model."""
    directory.update()
    directory.contents[number] = "another model"


def test_another_model_with_the_number_of_a_deleted_one_is_loaded(directory):
    directory.update(1, 2)
    replace_model(directory, 1)
    assert directory.update(1) == [1]
    assert directory.versions.get().content == "another model"
    assert directory.update(1) == [1]
    assert directory.loads == [2, 1, 1]
    assert state_names(directory) == {1: "AVAILABLE", 2: "END"}


def test_a_model_does_not_serve_beside_the_one_that_got_its_number(directory):
    directory.update(1, 2)
    directory.contents[2] = "another model"
    serving = []
    directory.during_load = lambda: serving.append(directory.versions.serving())
    assert directory.update(1, 2) == [2, 1]
    assert serving == [1]
    assert [model.content for model in directory.versions.loaded().values()] == [
        "another model",
        "first",
    ]


def test_a_replaced_model_in_use_ends_without_a_change_of_the_state_of_the_other(directory):
    directory.update(1)
    used = directory.versions.get()
    replace_model(directory, 1)
    directory.update(1)
    assert used.content == "first"
    del used
    gc.collect()
    assert state_names(directory) == {1: "AVAILABLE"}


def test_the_earlier_model_serves_until_the_one_that_got_its_number_can_be_loaded(directory):
    directory.update(1)
    replace_model(directory, 1)
    directory.broken = {1}
    for directory.now in (0, 30, 60):
        assert directory.update(1) == [1]
        assert directory.versions.get().content == "first"
        state = directory.versions.states()[1]
        assert (state.name, state.error) == ("AVAILABLE", "no graph in 1")
    assert directory.loads == [1, 1, 1]
    directory.broken = set()
    directory.now = 120
    directory.update(1)
    assert directory.versions.get().content == "another model"
    assert directory.versions.states()[1].error == ""


def test_a_broken_model_is_not_tried_again_at_once_after_the_one_before_it_was_unloaded(directory):
    directory.update(2)
    used = directory.versions.get()
    directory.contents[2] = "another model"
    directory.broken = {2}
    assert directory.update(1, 2) == directory.update(1, 2) == [1]
    assert directory.loads == [2, 2, 1]
    del used
    gc.collect()
    assert directory.update(1, 2) == [1]
    assert directory.loads == [2, 2, 1]
    state = directory.versions.states()[2]
    assert (state.name, state.error) == ("END", "no graph in 2")


def test_a_model_that_cannot_be_identified_for_a_while_is_not_loaded_again(directory):
    directory.contents[1] = "a model"
    directory.update(1)
    directory.contents[1] = ""
    assert directory.update(1) == [1]
    directory.contents[1] = "a model"
    assert directory.update(1) == [1]
    assert directory.loads == [1]


def test_another_model_with_the_number_of_a_broken_one_is_tried_at_once(directory):
    directory.broken = {2}
    assert directory.update(1, 2) == [1]
    directory.contents[2], directory.broken = "another model", set()
    assert directory.update(1, 2) == [2, 1]


def test_a_pinned_version_stays_loaded_beside_the_newest_two(directory):
    assert directory.update(76, 77) == [77, 76]
    assert directory.update(76, 77, 78, 79, 80) == [80, 79, 77]
    assert directory.loads.count(77) == 1
    assert directory.update(76, 78, 79, 80) == [80, 79]
    assert state_names(directory)[77] == "END"
    assert directory.update(77, 78, 79, 80) == [80, 79, 77]


def test_a_version_after_the_promoted_one_is_in_shadow_until_it_is_promoted():
    directory = Directory(promoted=2)
    assert directory.serve(1, 2) == (2, None)
    assert directory.serve(1, 2, 3) == (2, 3)
    assert directory.versions.get().number == 2
    assert list(directory.versions.loaded()) == [3, 2]
    directory.promoted = 3
    assert (directory.versions.serving(), directory.versions.shadow()) == (3, None)
    assert directory.serve(1, 2, 3) == (3, None)


def test_the_serving_version_is_loaded_before_the_one_in_shadow():
    directory = Directory(promoted=2)
    serving = []
    directory.during_load = lambda: serving.append(directory.versions.serving())
    assert directory.serve(1, 2, 3, 4) == (2, 4)
    assert directory.loads == [2, 4]
    assert serving == [None, 2]


def test_the_newest_version_replaces_the_one_in_shadow_and_the_serving_one_stays():
    directory = Directory(promoted=2)
    directory.update(1, 2, 3)
    assert directory.serve(1, 2, 3, 4) == (2, 4)
    assert list(directory.versions.loaded()) == [4, 2]
    assert directory.serve(1, 2, 3) == (2, 3)


def test_an_earlier_version_serves_at_once_when_the_serving_one_is_rolled_back():
    directory = Directory(promoted=2)
    assert directory.serve(1, 2) == (2, None)
    assert directory.serve(1) == (1, None)


def test_the_version_in_shadow_never_serves_while_an_earlier_one_is_loaded():
    directory = Directory(promoted=2)
    directory.update(1, 2, 3)
    directory.versions._unload_all_but({2, 3})
    serving = []
    directory.during_load = lambda: serving.append(directory.versions.serving())
    assert directory.serve(1, 3) == (1, 3)
    assert serving == [2]


def test_without_any_version_that_may_serve_the_newest_does():
    directory = Directory(promoted=2)
    directory.broken = {1, 2}
    assert directory.serve(1, 2, 3, 4) == (4, None)
    assert list(directory.versions.loaded()) == [4, 3]


def test_the_serving_version_stays_in_memory_where_the_newest_one_left_was_refused():
    directory = Directory(promoted=2)
    directory.update(2, 3)
    directory.refused = {3}
    assert directory.serve(3) == (2, 3)
    assert directory.serve(3) == (2, 3)
    assert directory.serve(1, 3) == (1, 3)  # an earlier one takes its place
    assert directory.serve(3) == (1, 3)
    directory.refused = set()
    assert directory.serve(3) == (3, None)


def test_a_refused_version_serves_where_no_other_one_was_ever_loaded():
    directory = Directory(promoted=2)
    directory.refused = {3}
    assert directory.serve(3) == (3, None)
    assert directory.serve(2, 3) == (2, 3)


def test_the_serving_version_stays_in_memory_while_another_model_of_its_number_cannot_be_loaded():
    directory = Directory(promoted=2)
    assert directory.serve(2, 3) == (2, 3)
    directory.broken, directory.contents = {2}, {2: "half restored"}
    assert directory.serve(2, 3) == (2, 3)
    assert directory.versions.get().content == "first"
    directory.broken, directory.now = set(), 60
    assert directory.serve(2, 3) == (2, 3)
    assert directory.versions.get().content == "half restored"


def test_a_version_that_was_promoted_during_an_update_is_not_unloaded_by_it():
    directory = Directory(promoted=2)
    directory.update(1, 2, 3)

    def promote() -> None:
        directory.promoted = 3

    directory.during_load = promote
    assert directory.serve(1, 2, 3, 4) == (3, 4)
    assert directory.loads.count(3) == 1


def test_a_pinned_version_stays_loaded_beside_the_one_in_shadow():
    directory = Directory(promoted=78)
    directory.update(77, 78, 79)
    assert list(directory.versions.loaded()) == [79, 78, 77]

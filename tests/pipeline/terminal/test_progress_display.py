"""The progress of a run on the terminal."""

import io
import re

import pytest
from rich.console import Console

from pipeline.terminal.progress_display import ProgressDisplay


def console(**options: bool) -> Console:
    return Console(file=io.StringIO(), width=80, **options)


def text_of(console: Console) -> str:
    return console.file.getvalue()


def test_a_finished_component_leaves_a_line_with_its_time():
    progress = ProgressDisplay(console())
    with progress.component("Trainer") as result:
        pass
    assert re.fullmatch(r"\+ Trainer +0\.0 s\n", text_of(progress.console))
    assert result.seconds < 1


def test_the_line_of_a_cached_component_says_from_cache():
    progress = ProgressDisplay(console())
    with progress.component("Trainer") as result:
        result.cached = True
    assert re.fullmatch(r"\+ Trainer +from cache\n", text_of(progress.console))


def test_a_failed_component_is_marked_and_its_error_is_raised():
    progress = ProgressDisplay(console())
    with pytest.raises(ZeroDivisionError), progress.component("Trainer"):
        raise ZeroDivisionError
    assert re.fullmatch(r"x Trainer +failed after 0\.0 s\n", text_of(progress.console))


def test_an_interrupted_component_has_not_failed():
    progress = ProgressDisplay(console())
    with pytest.raises(KeyboardInterrupt), progress.component("Trainer"):
        raise KeyboardInterrupt
    assert re.fullmatch(r"x Trainer +interrupted after 0\.0 s\n", text_of(progress.console))


def test_without_a_terminal_every_message_of_a_component_is_a_line():
    progress = ProgressDisplay(console())
    with progress.component("Trainer"):
        progress.message("epoch 1 of [10]")
    assert text_of(progress.console).splitlines()[0] == "    epoch 1 of [10]"


def test_on_a_terminal_the_messages_of_a_component_disappear_when_it_ends():
    progress = ProgressDisplay(console(force_terminal=True))
    with progress.component("Trainer"):
        progress.message("epoch 1 of [10]")
    last = text_of(progress.console).splitlines()[-1]
    assert "Trainer" in last
    assert "epoch" not in last

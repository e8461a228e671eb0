"""Ctrl-C while a library runs."""

import signal
import sys
import time
import weakref

import pytest

from pipeline.running.reliable_interrupt import reliable_interrupt


def interrupt_a_library(error: Exception) -> None:
    """Press Ctrl-C in a library that turns it into an error of its own."""
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt as interrupt:
        raise error from interrupt


@pytest.mark.parametrize(
    "error", [RuntimeError("beam"), SystemError("C++"), ImportError("half imported")]
)
def test_an_interrupt_stays_one_when_a_library_makes_an_error_of_it(error):
    with pytest.raises(KeyboardInterrupt) as ended, reliable_interrupt():
        interrupt_a_library(error)
    assert ended.value.__cause__ is error


@pytest.mark.parametrize("error", [RuntimeError("beam"), ValueError("bug"), KeyError("a")])
def test_an_error_without_an_interrupt_stays_as_it_is(error):
    with pytest.raises(type(error)) as ended, reliable_interrupt():
        raise error
    assert ended.value is error


def test_the_handler_of_before_is_put_back():
    before = signal.getsignal(signal.SIGINT)
    with reliable_interrupt():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


class InterruptedWhenDeleted:
    """Object in whose destructor Ctrl-C arrives."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_an_interrupt_that_python_drops_in_a_destructor_is_raised_after_it():
    with pytest.raises(KeyboardInterrupt), reliable_interrupt():
        del [InterruptedWhenDeleted()][0]
        time.sleep(10)  # ended by the interrupt


def test_other_errors_in_destructors_go_where_they_went_before(monkeypatch):
    dropped = []
    monkeypatch.setattr(sys, "unraisablehook", dropped.append)
    with reliable_interrupt():
        made = {1}
        reference = weakref.ref(made, lambda _: 1 / 0)
        del made
    assert [one.exc_type for one in dropped] == [ZeroDivisionError]
    assert reference() is None
    assert sys.unraisablehook == dropped.append

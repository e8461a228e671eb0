"""The caches hold what Beam finds, and Beam uses them."""

import concurrent.futures
import json
import xml.etree.ElementTree
from types import FunctionType
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.internal import pickler
from apache_beam.internal.cloudpickle import cloudpickle
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions, TypeOptions
from apache_beam.transforms import core, userstate
from apache_beam.transforms.userstate import CombiningValueStateSpec
from private_names import require

from components.compat.cached_beam_lookups import (
    cache_arguments,
    cache_views,
    cached_beam_lookups,
    find_submodules,
)

pytestmark = pytest.mark.component

USED_IN = "components/compat/cached_beam_lookups.py"

STATE = CombiningValueStateSpec("count", sum)
COUNT = beam.DoFn.StateParam(STATE)


class Counter(beam.DoFn):
    """A DoFn with a state, which Beam finds among the default values of its arguments."""

    def process(self, element: Any, count: Any = COUNT, *, more: int = 1):
        """Yield nothing."""
        yield from ()


class Stateless(Counter):
    """A DoFn whose method has the same name, and no state."""

    def process(self, element: Any, step: int = 2):
        """Yield nothing."""
        yield from ()


def plain(first: int, second: str = "b") -> None:
    pass


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("apache_beam.transforms.core:get_function_args_defaults", ("f",)),
        ("apache_beam.options.pipeline_options:PipelineOptions.view_as", ("self", "cls")),
        (
            "apache_beam.internal.cloudpickle.cloudpickle:_find_imported_submodules",
            ("code", "top_level_dependencies"),
        ),
    ],
)
def test_beam_has_the_name(path, parameters):
    require(path, USED_IN, parameters)


@pytest.mark.parametrize(
    "function",
    [plain, Counter().process, Stateless().process, Counter.process, len, str.upper, Counter],
    ids=["plain", "bound", "bound to a subclass", "unbound", "built-in", "of a type", "class"],
)
def test_the_arguments_of_a_function_are_those_that_beam_finds(function):
    find = cache_arguments(core.get_function_args_defaults)
    for _ in range(2):
        assert find(function) == core.get_function_args_defaults(function)


def test_every_function_is_inspected_once():
    inspected = []

    def find(function: Any) -> tuple[list[str], list[Any]]:
        inspected.append(function)
        return core.get_function_args_defaults(function)

    find_cached = cache_arguments(find)
    for _ in range(2):
        for dofn in (Counter(), Counter(), Stateless()):
            names, _ = find_cached(dofn.process)
            names.clear()  # a caller may change what it gets
    assert len(inspected) == 2
    assert find_cached(Counter().process)[0] == ["element", "count"]


def test_every_view_is_made_once_and_shows_later_changes():
    made = []

    def view_as(options: PipelineOptions, cls: type[PipelineOptions]) -> PipelineOptions:
        made.append((options, cls))
        return PipelineOptions.view_as(options, cls)

    view_cached = cache_views(view_as)
    first, second = PipelineOptions(["--runtime_type_check"]), PipelineOptions([])
    for _ in range(2):
        assert view_cached(first, TypeOptions).runtime_type_check
        assert not view_cached(second, TypeOptions).runtime_type_check
        assert view_cached(first, SetupOptions).setup_file is None
    assert made == [(first, TypeOptions), (second, TypeOptions), (first, SetupOptions)]
    first.view_as(TypeOptions).runtime_type_check = False
    assert not view_cached(first, TypeOptions).runtime_type_check


def test_beam_uses_the_caches_and_finds_the_state_of_a_dofn():
    before = replaced()
    with cached_beam_lookups():
        assert core.get_function_args_defaults is not before[0]
        options = PipelineOptions([])
        assert options.view_as(TypeOptions) is options.view_as(TypeOptions)
        for _ in range(2):
            assert userstate.get_dofn_specs(Counter()) == ({STATE}, set())
            assert userstate.get_dofn_specs(Stateless()) == (set(), set())
            assert pickler.loads(pickler.dumps(lambda: concurrent.futures.Future))()
        assert cloudpickle._find_imported_submodules is find_submodules
    assert replaced() == before


def replaced() -> tuple[Any, ...]:
    """Return the functions of Beam that are replaced."""
    submodules = cloudpickle._find_imported_submodules
    return core.get_function_args_defaults, PipelineOptions.view_as, submodules


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda: concurrent.futures.Future, {"concurrent.futures"}),
        (
            lambda: xml.etree.ElementTree.XML("<a/>"),
            {"xml.etree", "xml.etree.ElementTree"},
        ),
        (lambda: concurrent.__name__ + json.decoder.__name__, {"json.decoder"}),
        (lambda: json.dumps(concurrent.__name__), set()),
        (lambda: [plain, 1], set()),
    ],
    ids=["submodule", "deep", "several", "none", "no module"],
)
def test_the_submodules_of_a_function_are_those_that_beam_finds(
    function: FunctionType, expected: set[str]
) -> None:
    values = [globals()[name] for name in function.__code__.co_names if name in globals()]
    found = find_submodules(function.__code__, values)
    assert {module.__name__ for module in found} == expected
    of_beam = cloudpickle._find_imported_submodules(function.__code__, values)
    assert sorted(map(repr, found)) == sorted(map(repr, of_beam))

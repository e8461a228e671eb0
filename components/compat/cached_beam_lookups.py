"""Caches and a shorter search for what Beam looks up for every transform of a pipeline.

Beam inspects the arguments of all methods of a DoFn several times, and parses its own arguments
twice per transform. Over few pictures, that takes 45 % of the time of StatisticsGen, where 450
transforms read 600 examples. For each package that a pickled function names, it goes through all
modules of the process, which are thousands: that takes another second of a run.

`tests/components/compat/test_cached_beam_lookups.py` fails when a new Beam moves any of it.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from apache_beam.internal.cloudpickle import cloudpickle
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms import core

#: Names and default values of the arguments of a function.
Arguments: TypeAlias = tuple[list[str], list[Any]]

#: Beam's function that returns a view of options as another class of options.
ViewFunction: TypeAlias = Callable[[PipelineOptions, type[PipelineOptions]], PipelineOptions]


@contextmanager
def cached_beam_lookups() -> Iterator[None]:
    """Cache the arguments of functions and the views of options while the block runs.

    And find the submodules of a pickled function by their names.
    """
    find, view_as = core.get_function_args_defaults, PipelineOptions.view_as
    search = cloudpickle._find_imported_submodules
    core.get_function_args_defaults = cache_arguments(find)
    PipelineOptions.view_as = cache_views(view_as)
    cloudpickle._find_imported_submodules = find_submodules
    try:
        yield
    finally:
        core.get_function_args_defaults, PipelineOptions.view_as = find, view_as
        cloudpickle._find_imported_submodules = search


def cache_arguments(find: Callable[[Any], Arguments]) -> Callable[[Any], Arguments]:
    """Return Beam's `get_function_args_defaults` with a cache.

    Args:
        find: Beam's function. Its result for a method depends on the function in the class alone.
    """
    cache: WeakKeyDictionary[FunctionType, dict[bool, Arguments]] = WeakKeyDictionary()

    def find_cached(function: Any) -> Arguments:
        is_bound = isinstance(function, MethodType)
        plain = function.__func__ if is_bound else function
        if not isinstance(plain, FunctionType):
            return find(function)
        found = cache.setdefault(plain, {})
        if is_bound not in found:
            found[is_bound] = find(function)
        names, defaults = found[is_bound]
        return list(names), list(defaults)

    return find_cached


def cache_views(view_as: ViewFunction) -> ViewFunction:
    """Return Beam's `PipelineOptions.view_as` with a cache.

    Args:
        view_as: Beam's method. All views of the same options share their values, so that a view
            also shows what is changed later.
    """
    cache: WeakKeyDictionary[PipelineOptions, dict[type, PipelineOptions]] = WeakKeyDictionary()

    def view_cached(self: PipelineOptions, cls: type[PipelineOptions]) -> PipelineOptions:
        views = cache.setdefault(self, {})
        if cls not in views:
            views[cls] = view_as(self, cls)
        return views[cls]

    return view_cached


def find_submodules(code: CodeType, dependencies: Iterable[Any]) -> list[ModuleType]:
    """Return what Beam's `_find_imported_submodules` does, in another order.

    Args:
        code: Code of a function.
        dependencies: Values that the function takes from its module and its closure.

    Returns:
        Imported modules below those among the values that the function can name, such as
        `concurrent.futures` for one with `concurrent` among its values.
    """
    packages = [
        one
        for one in dependencies
        if isinstance(one, ModuleType) and getattr(one, "__package__", None)
    ]
    return [module for one in packages for module in _modules_below(one.__name__, code.co_names)]


def _modules_below(package: str, names: Iterable[str]) -> Iterator[ModuleType]:
    for name in names:
        path = f"{package}.{name}"
        if path in sys.modules:
            yield sys.modules[path]
            yield from _modules_below(path, names)

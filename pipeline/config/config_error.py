"""Describe an invalid config in one line: key, value, what is allowed, and where it is given."""

import difflib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipeline.config.parsing.yaml_loader import shown_key
from pipeline.config.run_config import RunConfig
from trainer_module.contract.output_text.credentials import masked_value
from trainer_module.contract.printable_names import printable_name, shortened

#: What is allowed, by pydantic's type of the error.
ALLOWED = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "dict_type": "must be a group of keys",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_type": "must be a whole number",
    "model_type": "must be a group of keys",
    "path_type": "must be a path; put it in quotes",
    "string_type": "must be text",
    "tuple_type": "must be a list, such as [a, b]",
}

#: Words for the limits of a number, by their names in pydantic.
LIMITS = {"gt": "above {}", "ge": "at least {}", "lt": "below {}", "le": "at most {}"}
LIMIT_ERRORS = {
    "greater_than",
    "greater_than_equal",
    "int_parsing_size",
    "less_than",
    "less_than_equal",
}


@dataclass(frozen=True)
class ConfigSources:
    """Where the keys of a config are given.

    Attributes:
        path: Path of the config file, if there is one.
        lines: Line of every key in the file.
        given: Keys that options of the command give.
    """

    path: Path | None = None
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)
    given: set[tuple[str, ...]] = field(default_factory=set)

    def describe(self, key: tuple[str, ...]) -> str:
        """Return the file and the line of a key, in parentheses; "" for a key of an option."""
        for length in range(len(key), 0, -1):
            part = key[:length]
            if part in self.given:
                return ""
            if part in self.lines:
                return f" (line {self.lines[part]} of {self.path})"
        is_given = any(key and one[: len(key)] == key for one in self.given)
        return f" ({self.path})" if self.path and not is_given else ""


def describe_error(error: ValidationError, sources: ConfigSources) -> str:
    """Return the first problem of a config in one line, and the number of the others.

    Args:
        error: Error of `RunConfig`.
        sources: Where the keys are given.
    """
    problems: dict[tuple[str, ...], list[ErrorDetails]] = {}
    for one in error.errors():
        problems.setdefault(_key(one["loc"]), []).append(one)
    key, details = next(iter(problems.items()))
    return printable_name(f"{_describe(key, details, sources)}{_more(len(problems) - 1)}")


def _more(count: int) -> str:
    return f" ({count} more)" if count else ""


def _describe(key: tuple[str, ...], details: list[ErrorDetails], sources: ConfigSources) -> str:
    name, where, problem = shown_key(key), sources.describe(key), details[0]
    if problem["type"] == "extra_forbidden":
        return f"config key '{name}' is unknown{where}. {_allowed_keys(key)}"
    if problem["type"] == "missing":
        hint = "Give --data DIR." if name == "data" else "Add it to the config file."
        return f"config key '{name}' is missing{where}. {hint}"
    messages = [_message(key, one) for one in details]
    message = " or ".join(dict.fromkeys(messages)).replace(" or must be ", " or ")
    if not key:
        return f"config: {message}{where}"
    masked = masked_value(key, problem["input"])
    received = json.dumps(masked, default=str, ensure_ascii=False)
    return f"config key '{name}': {message}. Received: {shortened(received, 200)}{where}"


def _message(key: tuple[str, ...], problem: ErrorDetails) -> str:
    kind = problem["type"]
    if kind in ("string_type", "path_type") and problem["input"] is None:
        return "must not be empty"
    is_number = isinstance(problem["input"], bool | int | float)
    if is_number and (kind == "string_type" or (kind == "tuple_type" and _is_element(problem))):
        return "must be text; put it in quotes"
    if kind in LIMIT_ERRORS and (limits := _limits(key)):
        return f"must be {limits}"
    message = ALLOWED.get(kind) or problem["msg"].removeprefix("Value error, ")
    return message.replace("Input should be", "must be").replace("String should", "must")


def _is_element(problem: ErrorDetails) -> bool:
    """Return whether a value is an element of a list."""
    return isinstance(problem["loc"][-1], int)


def _key(location: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the keys of a location, without what pydantic adds for unions and dicts."""
    kept: list[str] = []
    model: type[BaseModel] | None = RunConfig
    for part in map(str, location):
        known = model.model_fields.get(part) if model else None
        kept.append(part)
        if model and known is None:
            break
        default = known.default if known else None
        model = type(default) if isinstance(default, BaseModel) else None
        if model is None and not isinstance(default, dict):
            break
        if model is None:  # a dict: its key is the user's, and the next part is pydantic's
            rest = [str(one) for one in location[len(kept) : len(kept) + 1]]
            return (*kept, *rest)
    return tuple(kept)


def _limits(key: tuple[str, ...]) -> str:
    """Return the limits of a number in words, such as "at least 32 and at most 2048"."""
    group = _group_of(key)
    if group is None:
        return ""
    limits = [
        words.format(limit)
        for one in group.model_fields[key[-1]].metadata
        for name, words in LIMITS.items()
        if (limit := getattr(one, name, None)) is not None
    ]
    return " and ".join(limits)


def _allowed_keys(key: tuple[str, ...]) -> str:
    group = _group_of(key)
    allowed = list(group.model_fields) if group else []
    close = difflib.get_close_matches(key[-1], allowed, n=1)
    hint = f"Did you mean '{shown_key((*key[:-1], close[0]))}'? " if close else ""
    return f"{hint}Allowed: {', '.join(allowed)}."


def _group_of(key: tuple[str, ...]) -> type[BaseModel] | None:
    """Return the group of options that a key belongs to; None for a key of a dict."""
    group: Any = RunConfig
    for part in key[:-1]:
        group = group.model_fields[part].annotation
        if not (isinstance(group, type) and issubclass(group, BaseModel)):
            return None
    found: type[BaseModel] = group
    return found

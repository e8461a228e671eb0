"""Names of slices: columns whose values are evaluated by themselves, as domains are."""

import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from trainer_module.contract import example_features
from trainer_module.contract.options_base import Text

#: Columns of a manifest with a meaning of their own.
MANIFEST_COLUMNS = ("path", example_features.DOMAIN, example_features.LABEL, "split", "group")

#: Columns that the Evaluator gives to TFMA, besides those of slices. A test compares them.
EVALUATOR_COLUMNS = (
    example_features.IMAGE_ID,
    example_features.LABEL_ID,
    example_features.PROBABILITIES,
    "baseline_correct",
    "baseline_known_correct",
    "baseline_new_correct",
    "best_correct",
    "gate_values",
)


def column_name(text: str) -> str:
    """Return the name of a column in the form in which names are compared.

    Case and spaces around it do not matter, and neither does the form of letters with accents, of
    which Unicode has two.

    Args:
        text: Name in a table or in a config.
    """
    return unicodedata.normalize("NFC", text.strip().lower())


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _checked(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names as `column_name` does, the domain first, and the others sorted."""
    names = tuple(map(column_name, names))
    columns = [name for name in names if name != example_features.DOMAIN]
    if not columns:
        raise ValueError("must name a column besides domain: every domain is evaluated anyway")
    for name in columns:
        if name in MANIFEST_COLUMNS + EVALUATOR_COLUMNS:
            raise ValueError(f"must not name {name}, which has another meaning")
    if len(set(names)) < len(names):
        raise ValueError("must not name a column twice in one slice")
    return (*(name for name in names if name not in columns), *sorted(columns))


#: Columns of one slice: a name, or a list of names for crossed slices, such as [domain, scanner].
SliceNames = Annotated[tuple[Text, ...], BeforeValidator(_as_list), AfterValidator(_checked)]


def slice_columns(slices: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the columns of a manifest that slices need, sorted.

    Args:
        slices: Columns of every slice.

    Example:
        >>> from components.evaluation.gate.slice_names import slice_columns
        >>> slice_columns([("sex",), ("domain", "scanner")])
        ('scanner', 'sex')
    """
    return tuple(sorted({name for names in slices for name in names} - {example_features.DOMAIN}))

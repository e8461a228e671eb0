"""Words for findings: names in quotes, lists that stay short, numbers with their nouns."""

from collections.abc import Iterable

#: A list names so many, and counts the rest.
NAMED = 5


def quoted(name: str) -> str:
    """A name in quotes, on one line whatever is in it."""
    return f"'{name}'" if name.isprintable() else repr(name)


def listed(items: Iterable[str]) -> str:
    """`a, b and c`; of many the first, and how many more; nothing of nothing."""
    items = list(items)
    if len(items) > NAMED:
        return f"{', '.join(items[:NAMED])} and {len(items) - NAMED:,} more"
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def named(noun: str, names: Iterable[str]) -> str:
    """`class 'a'`, or `classes 'a' and 'b'`."""
    names = [quoted(name) for name in names]
    return f"{noun if len(names) == 1 else _plural(noun)} {listed(names)}"


def counted(count: int, noun: str) -> str:
    """`1 picture`, or `1,000 pictures`."""
    return f"{count:,} {noun if count == 1 else _plural(noun)}"


def _plural(noun: str) -> str:
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"

"""Text for findings: quoted names, short lists, numbers with their nouns."""

from collections.abc import Iterable

#: Number of items that a list shows; it counts the rest.
MAX_LISTED = 5


def quoted(name: str) -> str:
    """Return a name in quotes, on one line whatever is in it."""
    return f"'{name}'" if name.isprintable() else repr(name)


def listed(items: Iterable[str]) -> str:
    """Return `a, b and c`; of many items the first, and the number of others.

    An empty list gives an empty text.
    """
    items = list(items)
    if len(items) > MAX_LISTED:
        return f"{', '.join(items[:MAX_LISTED])} and {len(items) - MAX_LISTED:,} more"
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def named(noun: str, names: Iterable[str]) -> str:
    """Return `class 'a'`, or `classes 'a' and 'b'`."""
    names = [quoted(name) for name in names]
    return f"{plural(noun, len(names))} {listed(names)}"


def counted(count: int, noun: str) -> str:
    """Return `1 picture`, or `1,000 pictures`."""
    return f"{count:,} {plural(noun, count)}"


def counted_are(count: int, noun: str) -> str:
    """Return `1 file is`, or `1,000 files are`."""
    return f"{counted(count, noun)} {'is' if count == 1 else 'are'}"


def plural(noun: str, count: int) -> str:
    """Return the noun for one, else its plural."""
    if count == 1:
        return noun
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"

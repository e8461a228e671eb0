"""Names and texts for people: in messages, tables, logs and pages."""

#: Zero width joiner and non-joiner: part of emoji, and of words in Persian and in Indic scripts.
_JOINERS = "\u200c\u200d"

#: Last letter of the Latin script's blocks. Between such letters, a joiner is invisible.
_LAST_LATIN = "\u024f"

#: Usual length of the longest text of the user that a message repeats, in characters.
MAX_SHOWN = 80


def printable_name(name: str) -> str:
    r"""Return a text on one line, with escapes for what is not printable.

    That is: control characters such as line ends and the escape sequences of terminals, characters
    that are invisible or that reorder the text, and bytes that are not UTF-8. A text without them,
    and so a result of this function, is returned as it is.

    Example:
        >>> from trainer_module.contract.printable_names import printable_name
        >>> printable_name(chr(10).join(["two", "lines"])) == r"two\nlines"
        True
    """
    if name.isprintable():
        return name
    return "".join(
        char if _is_printable(char, before) else char.encode("unicode_escape").decode()
        for before, char in zip(f" {name}", name, strict=False)
    )


def shortened(text: str, length: int = MAX_SHOWN) -> str:
    """Return a text for a message, see `printable_name`; of a long one its beginning and `...`.

    Args:
        text: Text of the user.
        length: Most characters that are shown.
    """
    return printable_name(text if len(text) <= length else f"{text[:length]}...")


def printable_lines(text: str) -> str:
    """Return a text in which every line is printable, see `printable_name`."""
    return "\n".join(printable_name(line) for line in text.split("\n"))


def _is_printable(char: str, before: str) -> bool:
    if char in _JOINERS:
        return before > _LAST_LATIN and before.isprintable()
    return char.isprintable()

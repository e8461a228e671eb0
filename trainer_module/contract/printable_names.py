"""Names of files for people: in messages, tables and the ledger."""


def printable_name(name: str) -> str:
    r"""Return a name with escapes for what is not printable, such as bytes that are not UTF-8.

    Example:
        >>> from trainer_module.contract.printable_names import printable_name
        >>> printable_name(chr(10).join(["two", "lines"])) == r"two\nlines"
        True
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in name
    )

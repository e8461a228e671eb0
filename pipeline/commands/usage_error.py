"""The line about a command line that cannot be parsed."""


def usage_error_line(error: BaseException) -> str:
    """Return what is wrong with a command line, and which help to read; "" for any other error.

    Typer has had its own classes of errors since 0.29, and Click's before: both have these names.

    Args:
        error: Error that ended a command.
    """
    describe = getattr(error, "format_message", None)
    if describe is None:
        return ""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "carryover"
    return f"{' '.join(describe().split()).rstrip('.')}. Run: {command} --help"

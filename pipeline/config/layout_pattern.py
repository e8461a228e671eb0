"""Layout patterns of folders of pictures, such as `split/domain/class`."""

AUTO = "auto"

#: What a level of folders names. The last is a level whose names mean nothing.
DOMAIN, CLASS, SPLIT, ANY = "domain", "class", "split", "*"

#: Most levels of a pattern.
MAX_LEVELS = 32


def parse_pattern(text: str) -> tuple[str, ...]:
    """Return the levels of a pattern, from the top down.

    Args:
        text: Levels separated by slashes: `class` once, `domain` and `split` at most once, and
            `*` for folders whose names mean nothing.

    Raises:
        ValueError: The text is not such a pattern.

    Example:
        >>> from pipeline.config.layout_pattern import parse_pattern
        >>> parse_pattern("split/domain/class")
        ('split', 'domain', 'class')
    """
    levels = tuple(text.strip().strip("/").split("/"))
    if len(levels) > MAX_LEVELS:
        raise ValueError(f"must name at most {MAX_LEVELS} levels of folders")
    known = set(levels) <= {DOMAIN, CLASS, SPLIT, ANY}
    if not known or levels.count(CLASS) != 1 or max(map(levels.count, (DOMAIN, SPLIT))) > 1:
        raise ValueError(
            "must be auto, or name the levels of folders by class, domain, split and *, with class "
            "once, such as domain/class, split/domain/class, domain/*/class or class"
        )
    return levels


def check_pattern(text: str) -> str:
    """Return the text if it is `auto` or a pattern, see `parse_pattern`."""
    if text != AUTO:
        parse_pattern(text)
    return text

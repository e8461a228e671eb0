"""Folder names that data set tools give to splits."""

import re

#: Name of a folder, without what tools put around it -> split.
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "eval",
    "valid": "eval",
    "validation": "eval",
    "dev": "eval",
    "eval": "eval",
    "evaluation": "eval",
    "test": "test",
    "testing": "test",
}

#: Such as train2017, test-set, Training_Set, seg_train and val_images.
_PATTERN = re.compile(
    r"(?:\d+[\s_.-]+)?(?:(?:seg|images?|imgs?|data)[\s_.-]*)?"
    rf"({'|'.join(sorted(SPLIT_NAMES, key=len, reverse=True))})"
    r"(?:[\s_.-]*(?:set|split|data|images?|imgs?))?[\s_.-]*\d{0,4}",
    re.IGNORECASE,
)


def split_of_name(name: str) -> str | None:
    """Return the split that a folder of this name is meant for; None for another name.

    Args:
        name: Name of a folder.

    Example:
        >>> from pipeline.inputs.layouts.split_names import split_of_name
        >>> split_of_name("Training"), split_of_name("val2017"), split_of_name("trains")
        ('train', 'eval', None)
    """
    found = _PATTERN.fullmatch(name.strip())
    return SPLIT_NAMES[found[1].lower()] if found else None

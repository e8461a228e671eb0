"""Folder names that data set tools give to splits."""

import re

#: Name of a folder, without what tools put around it -> split.
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "eval",
    "valid": "eval",
    "validation": "eval",
    "validate": "eval",
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


def split_in_name(name: str) -> str | None:
    """Return the split of which a word in the name of a folder speaks, such as `X_train`.

    Alone, such a name does not say that the folder is a split: `crash test` may be a class.

    Args:
        name: Name of a folder.

    Returns:
        The split; None where no word names one, or words name several.

    Example:
        >>> from pipeline.inputs.layouts.split_names import split_in_name
        >>> split_in_name("animals_train"), split_in_name("X_test"), split_in_name("test of val")
        ('train', 'test', None)
    """
    words = re.split(r"[\W_]+", name.lower())
    splits = {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
    return split_of_name(name) or (splits.pop() if len(splits) == 1 else None)

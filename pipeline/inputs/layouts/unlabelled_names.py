"""Names of class folders, and labels, that stand for pictures without a label."""

#: Name of the folder below <domain> with pictures that have no label.
UNLABELLED = "_unlabelled"

#: Name of the folder below <domain> with pictures that `carryover select` has chosen. What is left
#: in it has no label yet.
TO_LABEL = "_to_label"


def is_unlabelled(label: str) -> bool:
    """Return whether the name of a class folder, or a label, stands for pictures without one."""
    return label in (UNLABELLED, TO_LABEL)

"""Findings about the data, their kinds and severities. Importable without TensorFlow."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel

from trainer_module.contract.output_text.wording import counted, listed, quoted

Severity = Literal["information", "warning", "error"]

#: In ascending order.
SEVERITIES: tuple[Severity, ...] = ("information", "warning", "error")

#: Kind of finding -> what it reports. `validation.allow` takes the kinds.
KINDS = {
    "balance_drift": "the class balance of a domain differs from the baseline's training data",
    "blank_pictures": "pictures have one colour, or a block of one colour on one side",
    "colour_profile": "files have a colour profile, which is ignored",
    "copies": "files are exact copies of others",
    "corrections": "batches change what is known of pictures",
    "drift": "pictures of a domain differ from the baseline's training data",
    "empty_class": "a class folder has no usable picture",
    "empty_split": "a split has no pictures",
    "label_conflict": "a picture is under more than one class",
    "lookalike_domains": "pictures look alike in several domains",
    "lookalike_splits": "pictures look alike in several splits",
    "many_lookalikes": "there are more lookalikes than are listed",
    "missing_classes": "some domains lack classes",
    "more_pages": "files have further pages or frames, which are ignored",
    "moved_splits": "pictures are in another split than for the serving version",
    "new_class": "the serving model does not know a class",
    "new_domain": "the serving model was not trained on a domain",
    "no_baseline_statistics": "the serving model has no statistics to compare with",
    "one_class": "there is only one class",
    "one_domain": "there is only one domain",
    "rejects": "too many files cannot be used",
    "rewritten": "pictures are stored in another format",
    "schema": "examples do not match the schema",
    "shift": "a domain differs from the others",
    "shortcut": "the domain or one number alone tells a class",
    "similar_names": "names differ only in case or spelling",
    "skew": "pictures of a domain differ between splits",
    "small_test": "a domain has few test pictures",
    "split_conflict": "a picture or a group is given in more than one split",
    "tiny_class": "a class has too few pictures for three splits",
    "too_few_to_compare": "a domain is too small to detect drift and skew",
    "untestable_domain": "a domain has no test pictures",
    "unverified_domain": "a retraining has only unlabelled pictures of a domain",
    "untested_class": "a class has no test pictures",
    "untrained_class": "a class has no training pictures",
    "value_range": "values of more than 8 bits, or floats, are scaled to 8 bits",
    "vanished_class": "a class of the serving model has no pictures",
    "vanished_domain": "a domain of the serving model has no pictures",
}


class Finding(BaseModel):
    """One thing that a user should know about their data.

    Attributes:
        kind: Key of `KINDS`.
        severity: One of `SEVERITIES`.
        text: Text for people on one line, with the domains, the numbers, and what to do.
    """

    kind: str
    severity: Severity
    text: str


def new_class_finding(classes: Mapping[str, int]) -> Finding:
    """Return the finding about classes that the serving model does not know.

    Args:
        classes: Number of pictures by class, at least one class.
    """
    text = f"The serving model does not know these classes: {describe_counts(classes)}."
    return Finding(kind="new_class", severity="error", text=text)


def describe_counts(pictures: Mapping[str, int]) -> str:
    """Return names with their numbers of pictures, sorted by name.

    Args:
        pictures: Number of pictures by the name of a class or a domain.

    Example:
        >>> from components.data_gate.findings import describe_counts
        >>> describe_counts({"owl": 1, "cat": 20})
        "'cat' (20 pictures) and 'owl' (1 picture)"
    """
    return listed(
        f"{quoted(name)} ({counted(count, 'picture')})" for name, count in sorted(pictures.items())
    )

"""What was found in the data. Importable without TensorFlow."""

from typing import Literal

from pydantic import BaseModel

Severity = Literal["information", "warning", "error"]

#: From harmless to harmful.
SEVERITIES: tuple[Severity, ...] = ("information", "warning", "error")

#: Every kind of finding, and what is checked. `validation.allow` takes the names.
KINDS = {
    "balance_drift": "classes of a domain are as frequent as when the serving model was trained",
    "colour_profile": "colour profiles in the files, which are ignored",
    "copies": "exact copies of files",
    "drift": "pictures of a domain look as when the serving model was trained",
    "empty_class": "class folders without a usable picture",
    "empty_split": "a split without pictures",
    "label_conflict": "pictures that are under more than one class",
    "lookalike_domains": "pictures that look alike in several domains",
    "lookalike_splits": "pictures that look alike in several splits",
    "many_lookalikes": "more lookalikes than are listed",
    "missing_classes": "classes that some domains lack",
    "new_class": "classes that the serving model does not know",
    "new_domain": "domains that the serving model was not trained on",
    "no_baseline_statistics": "the serving model came without statistics to compare with",
    "one_class": "there are classes to tell apart",
    "one_domain": "there is more than one domain",
    "rejects": "share of files that could not be used",
    "rewritten": "pictures that are stored in another format",
    "schema": "examples are what the schema says",
    "shift": "domains that look unlike the others",
    "similar_names": "names that differ in case or spelling only",
    "skew": "pictures of a domain look alike in all splits",
    "small_test": "every domain has enough test pictures",
    "tiny_class": "every class has enough pictures",
    "too_few_to_compare": "domains too small to look for drift and skew",
    "untestable_domain": "every domain has test pictures",
    "untested_class": "every class has test pictures",
    "untrained_class": "every class has training pictures",
    "vanished_class": "classes of the serving model are still there",
    "vanished_domain": "domains of the serving model are still there",
}


class Finding(BaseModel):
    """One thing that a user should know about their data.

    Attributes:
        kind: one of `KINDS`.
        severity: see `SEVERITIES`.
        text: one sentence for people; names the domain, the numbers, and what to do.
    """

    kind: str
    severity: Severity
    text: str

"""Findings that counts alone lead to, at their limits."""

import pytest

from components.data_gate.checks.coverage import class_findings, domain_findings
from components.data_gate.checks.names import name_findings
from components.data_gate.checks.reject_share import reject_findings
from components.data_gate.findings import Finding
from components.data_gate.statistics.counts import Counts, count


def counts(
    examples: list[tuple[str, str, str, int]], rejects: list[tuple[str, str, int]] | None = None
) -> Counts:
    """From rows of split, domain, label, count; and of domain, reason, count."""
    return count(
        {
            "examples": [
                {"split": split, "domain": domain, "label": label, "count": n}
                for split, domain, label, n in examples
            ],
            "rejects": [
                {"domain": domain, "label": "cat", "reason": reason, "count": n}
                for domain, reason, n in rejects or []
            ],
        }
    )


def texts(findings: list[Finding]) -> dict[str, str]:
    return {finding.kind: finding.text for finding in findings}


@pytest.mark.parametrize(
    ("pictures", "kind"), [(0, "untestable_domain"), (1, "small_test"), (29, "small_test")]
)
def test_a_domain_needs_30_test_pictures_to_pass_without_a_word(pictures, kind):
    others = [("train", "day", "cat", 9), ("test", "day", "cat", 30), ("train", "night", "cat", 9)]
    few = [("test", "night", "cat", pictures)] if pictures else []
    [finding] = domain_findings(counts(others + few))
    assert finding.kind == kind
    assert "'night'" in finding.text
    assert domain_findings(counts([*others, ("test", "night", "cat", 30)])) == []


def test_a_domain_whose_files_were_all_rejected_cannot_be_tested():
    found = domain_findings(counts([("test", "day", "cat", 30)], [("night", "damaged", 5)]))
    assert "no test pictures in domain 'night'" in texts(found)["untestable_domain"]


def test_a_class_of_two_pictures_is_tiny_and_nothing_else_is_said_of_it():
    splits = [(split, "day", "cat", 5) for split in ("train", "eval", "test")]
    assert list(texts(class_findings(counts([*splits, ("train", "day", "dog", 2)]), []))) == [
        "tiny_class"
    ]
    assert list(texts(class_findings(counts([*splits, ("train", "day", "dog", 3)]), []))) == [
        "untested_class"
    ]


def test_of_a_thousand_classes_five_are_named_and_the_rest_is_counted():
    rows = [("train", "day", f"{number:04d}", 5) for number in range(1000)]
    found = texts(class_findings(counts(rows), []))
    assert found["untested_class"] == (
        "no test pictures of classes '0000', '0001', '0002', '0003', '0004' and 995 more: "
        "nobody will know how well that works"
    )
    assert all(len(text) < 400 for text in found.values())


def test_a_class_with_rejected_files_and_one_good_picture_is_not_empty():
    rows = [("train", "day", "cat", 1), ("train", "day", "dog", 9), ("test", "day", "dog", 9)]
    found = texts(class_findings(counts(rows, [("day", "damaged", 3)]), []))
    assert "empty_class" not in found
    assert "empty_class" in texts(class_findings(counts(rows[1:], [("day", "damaged", 3)]), []))


@pytest.mark.parametrize(("rejected", "said"), [(10, 0), (11, 1)])
def test_the_largest_share_of_rejects_is_still_allowed(rejected, said):
    data = counts([("train", "day", "cat", 100 - rejected)], [("", "not in a folder", rejected)])
    assert len(reject_findings(data, 0.1)) == said


def test_rejects_of_a_small_domain_are_not_hidden_by_the_others():
    rows = [("train", "day", "cat", 1000), ("train", "night", "cat", 5)]
    [finding] = reject_findings(counts(rows, [("night", "damaged", 5)]), 0.1)
    assert finding.text == (
        "more than 10% of the files cannot be used: domain 'night' 5 of 10 (mostly: damaged)"
    )


@pytest.mark.parametrize(
    "names", [("Dog", "dog"), ("dog ", "dog"), ("é", "e\u0301"), ("straße", "STRASSE"), ("①", "1")]
)
def test_names_that_people_take_for_one_are_found(names):
    [finding] = name_findings("class", [*names, "cat"])
    assert finding.kind == "similar_names"
    assert "'cat'" not in finding.text


def test_names_that_differ_are_not_similar():
    assert name_findings("domain", ["dog", "dogs", "do g", "dog", "dög"]) == []


def test_a_name_with_a_line_break_is_said_on_one_line():
    [finding] = domain_findings(counts([("test", "a\nb", "cat", 30)]))
    assert "\n" not in finding.text

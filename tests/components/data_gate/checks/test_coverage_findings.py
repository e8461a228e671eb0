import pytest
from tiny_counts import texts, tiny_counts

from components.data_gate.checks.coverage_findings import class_findings, domain_findings

pytestmark = pytest.mark.component


@pytest.mark.parametrize(
    ("pictures", "kind"), [(0, "untestable_domain"), (1, "small_test"), (29, "small_test")]
)
def test_a_domain_with_fewer_than_30_test_pictures_is_a_finding(pictures, kind):
    others = [("train", "day", "cat", 9), ("test", "day", "cat", 30), ("train", "night", "cat", 9)]
    few = [("test", "night", "cat", pictures)] if pictures else []
    [finding] = domain_findings(tiny_counts(others + few))
    assert finding.kind == kind
    assert "domain 'night'" in finding.text
    assert domain_findings(tiny_counts([*others, ("test", "night", "cat", 30)])) == []


def test_a_domain_whose_files_were_all_rejected_cannot_be_tested():
    found = domain_findings(tiny_counts([("test", "day", "cat", 30)], [("night", "damaged", 5)]))
    assert "no test pictures in domain 'night'" in texts(found)["untestable_domain"]


def test_a_domain_without_any_label_needs_no_test_pictures_and_is_named():
    rows = [("test", "day", "cat", 30), ("train", "fog", "cat", 9)]
    found = texts(domain_findings(tiny_counts(rows, [("night", "damaged", 5)]), ["night"]))
    assert "domain 'fog'" in found["untestable_domain"]
    assert found["unverified_domain"].startswith("No picture in domain 'night' has a label")


def test_a_class_of_two_pictures_is_tiny_and_has_no_other_finding():
    splits = [(split, "day", "cat", 5) for split in ("train", "eval", "test")]
    assert list(texts(class_findings(tiny_counts([*splits, ("train", "day", "dog", 2)]), []))) == [
        "tiny_class"
    ]
    assert list(texts(class_findings(tiny_counts([*splits, ("train", "day", "dog", 3)]), []))) == [
        "untested_class"
    ]


def test_of_a_thousand_classes_five_are_named_and_the_rest_is_counted():
    rows = [("train", "day", f"{number:04d}", 5) for number in range(1000)]
    found = texts(class_findings(tiny_counts(rows), []))
    assert found["untested_class"] == (
        "The accuracy on classes '0000', '0001', '0002', '0003', '0004' and 995 more is unknown, "
        "because there are no test pictures."
    )
    assert all(len(text) < 400 for text in found.values())


def test_a_class_with_rejected_files_and_one_good_picture_is_not_empty():
    rows = [("train", "day", "cat", 1), ("train", "day", "dog", 9), ("test", "day", "dog", 9)]
    found = texts(class_findings(tiny_counts(rows, [("day", "damaged", 3)]), []))
    assert "empty_class" not in found
    found = texts(class_findings(tiny_counts(rows[1:], [("day", "damaged", 3)]), []))
    assert "empty_class" in found


def test_a_name_with_a_line_break_stays_on_one_line():
    [finding] = domain_findings(tiny_counts([("test", "a\nb", "cat", 30)]))
    assert "\n" not in finding.text


def test_pictures_that_are_cross_fitted_count_as_tested():
    rows = [(split, "day", "cat", 30) for split in ("train", "eval", "test")]
    rows += [("train", "night", "dog", 26), ("eval", "night", "dog", 5)]
    counts = tiny_counts(rows, cross_fitted=[("night", "dog", 31)])
    assert domain_findings(counts) == []
    assert "untested_class" not in texts(class_findings(counts, []))
    fewer = tiny_counts(rows, cross_fitted=[("night", "dog", 12)])
    assert (
        "'night' (12, each worth 0.083 of its accuracy)"
        in texts(domain_findings(fewer))["small_test"]
    )

from rendered_tables import row
from rich.console import Console

from pipeline.predicting.domain_report import DomainReport


def test_accuracies_are_counted_per_domain():
    report = DomainReport()
    for domain, label, predicted in (
        ("day", "cat", "cat"),
        ("day", "cat", "dog"),
        ("night", "owl", "cat"),
    ):
        report.add(domain, label, predicted)
    assert report.accuracies() == {"day": 0.5, "night": 0}
    assert report.num_pictures == {"day": 2, "night": 1}


def test_labels_never_match_if_no_folder_is_named_like_a_predicted_class():
    report = DomainReport()
    report.add("day", "first", "cat")
    report.add("day", "second", "dog")
    assert report.labels_never_match()
    report.add("day", "dog", "cat")
    assert not report.labels_never_match()


def test_the_mean_is_over_domains_and_not_over_pictures():
    report = DomainReport()
    for domain, predicted in (("[day]", "cat"), ("[day]", "cat"), ("night", "dog")):
        report.add(domain, "cat", predicted)
    console = Console(width=80)
    with console.capture() as capture:
        console.print(report.table())
    assert row(capture.get(), "[day]")[-2:] == ["2", "1.000"]
    assert row(capture.get(), "mean")[-2:] == ["3", "0.500"]

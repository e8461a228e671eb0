from types import SimpleNamespace

from pipeline.retraining.waiting_accuracy import waiting_accuracies


def test_batches_count_by_their_pictures_with_a_label():
    def rows(night: int, noon: int = 0) -> list[dict[str, str]]:
        labelled = [{"domain": "night", "label": "cat"}] * night
        return [*labelled, *[{"domain": "noon", "label": ""}] * noon]

    batches = [
        SimpleNamespace(number=1, numbers={"night": {"accuracy": 0.5}, "noon": {"accuracy": None}}),
        SimpleNamespace(number=2, numbers={"night": {"accuracy": 1.0}}),
        SimpleNamespace(number=3, numbers={}),  # it was never assessed
    ]
    assert waiting_accuracies({1: rows(3, 5), 2: rows(1), 3: rows(2)}, batches) == {"night": 0.625}
    assert waiting_accuracies({}, batches) == {}

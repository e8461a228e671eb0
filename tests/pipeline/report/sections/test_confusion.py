import numpy as np

from pipeline.report.sections.confusion import MOST_CLASSES, OTHER, confusion_of


def test_rows_are_true_classes_and_columns_what_the_model_says():
    labels = np.array(["cat", "cat", "dog", "dog", "dog"], object)
    answers = np.array(["cat", "dog", "dog", "dog", "cow"], object)
    found = confusion_of("day", labels, answers)
    assert found.classes == ["cat", "cow", "dog"]
    assert found.rows == [("cat", 2, [1, 0, 1]), ("cow", 0, [0, 0, 0]), ("dog", 3, [0, 1, 2])]
    assert found.hidden == 0


def test_of_many_classes_those_with_the_most_mistakes_have_a_row():
    names = [f"class-{number:02d}" for number in range(MOST_CLASSES + 5)]
    labels = np.array([*names, "class-24", "class-24"], object)
    answers = np.array([*names, "class-23", "class-00"], object)
    found = confusion_of("day", labels, answers)
    assert found.hidden == 5
    assert len(found.rows) == MOST_CLASSES
    assert found.classes[-1] == OTHER
    assert {"class-00", "class-23", "class-24"} < set(found.classes)
    [cells] = [cells for label, _, cells in found.rows if label == "class-24"]
    assert sum(cells) == 3


def test_what_is_taken_for_a_class_without_a_row_is_counted_with_the_others():
    names = [f"class-{number:02d}" for number in range(MOST_CLASSES)]
    pairs = [(one, other) for one in names for other in names[:3] if one != other]
    labels = np.array([one for one, _ in pairs] + ["class-00"], object)
    answers = np.array([other for _, other in pairs] + ["zebra"], object)
    found = confusion_of("day", labels, answers)
    [(total, cells)] = [(total, cells) for label, total, cells in found.rows if label == "class-00"]
    assert "zebra" not in found.classes
    assert (total, cells[-1]) == (3, 1)

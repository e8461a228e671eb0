import numpy as np

from pipeline.report.sections.confusion_matrix import MAX_CLASSES, OTHERS, confusion_matrix


def test_rows_are_true_classes_and_columns_are_predicted_classes():
    labels = np.array(["cat", "cat", "dog", "dog", "dog"], object)
    predicted = np.array(["cat", "dog", "dog", "dog", "cow"], object)
    matrix = confusion_matrix("day", labels, predicted)
    assert matrix.classes == ["cat", "cow", "dog"]
    assert matrix.rows == [("cat", 2, [1, 0, 1]), ("cow", 0, [0, 0, 0]), ("dog", 3, [0, 1, 2])]
    assert matrix.num_hidden == 0


def test_of_many_classes_only_those_with_the_most_mistakes_have_a_row():
    names = [f"class-{number:02d}" for number in range(MAX_CLASSES + 5)]
    labels = np.array([*names, "class-24", "class-24"], object)
    predicted = np.array([*names, "class-23", "class-00"], object)
    matrix = confusion_matrix("day", labels, predicted)
    assert matrix.num_hidden == 5
    assert len(matrix.rows) == MAX_CLASSES
    assert matrix.classes[-1] == OTHERS
    assert {"class-00", "class-23", "class-24"} < set(matrix.classes)
    [cells] = [cells for label, _, cells in matrix.rows if label == "class-24"]
    assert sum(cells) == 3


def test_predictions_of_a_hidden_class_are_counted_as_others():
    names = [f"class-{number:02d}" for number in range(MAX_CLASSES)]
    pairs = [(one, other) for one in names for other in names[:3] if one != other]
    labels = np.array([one for one, _ in pairs] + ["class-00"], object)
    predicted = np.array([other for _, other in pairs] + ["zebra"], object)
    matrix = confusion_matrix("day", labels, predicted)
    [(total, cells)] = [
        (total, cells) for label, total, cells in matrix.rows if label == "class-00"
    ]
    assert "zebra" not in matrix.classes
    assert (total, cells[-1]) == (3, 1)

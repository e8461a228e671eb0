import pytest

from trainer_module.contract.output_text.wording import counted, counted_are, listed, named


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [(1, "file", "1 file is"), (0, "file", "0 files are"), (1000, "class", "1,000 classes are")],
)
def test_a_count_agrees_with_its_noun_and_its_verb(count, noun, text):
    assert counted_are(count, noun) == text
    assert text.startswith(counted(count, noun))


def test_of_many_items_the_others_are_counted():
    assert listed("ab") == "a and b"
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"
    assert named("class", ["a", "b"]) == "classes 'a' and 'b'"

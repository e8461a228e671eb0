import numpy as np
import pytest

from trainer_module.contract.errors import UnavailableError
from trainer_module.tuning.trial_journal import TrialJournal, TrialRecord

LOGITS = np.array([[0.5, -1.5]], np.float32)


def record(number: int, **values: object) -> TrialRecord:
    return TrialRecord(number=number, values=values, status="complete", score=0.5)


def test_a_later_call_reads_the_trials_in_their_order_with_the_types_of_their_values(tmp_path):
    journal = TrialJournal(tmp_path / "search")
    journal.add(record(1, views=2, rate=0.1, name="erm"), LOGITS)
    journal.add(record(0), LOGITS)
    again = TrialJournal(tmp_path / "search").read()
    assert [one.number for one in again] == [0, 1]
    assert again[1].values == {"views": 2, "rate": 0.1, "name": "erm"}
    assert [type(value) for value in again[1].values.values()] == [int, float, str]


def test_a_float_that_is_whole_stays_a_float(tmp_path):
    journal = TrialJournal(tmp_path)
    journal.add(record(0, smoothing=0.0), LOGITS)
    assert isinstance(journal.read()[0].values["smoothing"], float)


def test_the_logits_of_a_complete_trial_are_kept(tmp_path):
    journal = TrialJournal(tmp_path)
    journal.add(record(0), LOGITS)
    assert (journal.logits(0) == LOGITS).all()


def test_logits_without_their_record_are_of_no_trial(tmp_path):
    journal = TrialJournal(tmp_path)
    journal.add(record(0), np.zeros((1, 2), np.float32))
    (tmp_path / "trial-00000.json").unlink()  # the process was killed between both files
    assert journal.read() == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("trial-00000.json", None),
        ("trial-00001.json", b'{"number": 1'),
        ("trial-00001.npy", None),
        ("trial-00001.npy", b""),
    ],
)
def test_a_damaged_search_is_named_with_what_to_do(tmp_path, name, content):
    journal = TrialJournal(tmp_path)
    for number in range(2):
        journal.add(record(number), LOGITS)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(
        UnavailableError, match=f"record of a trial .* Remove the folder {tmp_path}"
    ):
        journal.read()

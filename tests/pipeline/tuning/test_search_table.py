from pipeline.tuning.search_table import describe_search, search_table, verdict
from trainer_module.tuning.search_result import SearchResult
from trainer_module.tuning.trial_journal import TrialRecord


def result(*scores: float, best: int = 0, **more: object) -> SearchResult:
    """A search whose trials have scores; those after the first have another number of views."""
    trials = [
        TrialRecord(
            number=number,
            values={"fine_tuning.views": 3 + number},
            status="complete",
            score=score,
            chosen="fine_tuned",
            seconds=2,
        )
        for number, score in enumerate(scores)
    ]
    return SearchResult(
        criterion="worst_domain",
        eval_images=1200,
        trials=trials + list(more.get("trials", [])),
        best=best,
        changes={"fine_tuning.views": 3 + best} if best else {},
        margin=1.5,
        seconds=1000,
    )


def test_the_table_has_the_config_as_given_first_and_then_the_best_trials():
    columns = [list(column.cells) for column in search_table(result(0.7, 0.6, 0.9, best=2)).columns]
    assert columns[0] == ["0", "2 <", "1"]
    assert columns[1] == ["0.700", "0.900", "0.600"]
    assert columns[4][0] == "nothing: the config as given"
    assert columns[4][1] == "fine_tuning.views 5"


def test_stopped_and_failed_trials_are_counted_and_not_shown():
    others = [
        TrialRecord(number=1, values={}, status="stopped", score=0.1),
        TrialRecord(number=2, values={}, status="failed"),
    ]
    search = result(0.7, trials=others)
    assert list(search_table(search).columns[0].cells) == ["0 <"]
    assert describe_search(search) == [
        "3 trials (1 stopped, 1 failed) in 1,000 seconds; eval: worst_domain accuracy on the "
        "1,200 pictures of the eval split"
    ]
    assert verdict(search).startswith("no other trial is complete")


def test_a_higher_score_that_chance_explains_is_not_called_better():
    assert verdict(result(0.7, 0.72)) == (
        "nothing is changed: no trial beats the 0.700 of the config as given by more than chance "
        "explains (1.5 standard errors); the highest is 0.720 of trial 1"
    )

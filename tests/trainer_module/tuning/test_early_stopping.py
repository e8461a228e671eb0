from trainer_module.tuning.early_stopping import is_hopeless

#: Best accuracies after half of the epochs: 0.5, 0.6, 0.7 and 0.8, with the median 0.65.
EARLIER = [[0.5, 0.9], [0.6, 0.6], [0.7, 0.7], [0.8, 0.8]]


def test_a_trial_below_the_median_ends():
    assert is_hopeless([0.64], 2, EARLIER)
    assert not is_hopeless([0.65], 2, EARLIER)


def test_the_best_epoch_so_far_counts():
    assert not is_hopeless([0.7, 0.1], 4, EARLIER)


def test_trials_of_other_lengths_are_compared_after_the_same_share_of_their_epochs():
    assert is_hopeless([0.3, 0.3, 0.64, 0.64], 8, EARLIER)


def test_no_trial_ends_before_enough_others_are_complete():
    assert not is_hopeless([0.1], 2, EARLIER[:3])


def test_the_first_epochs_and_the_last_one_end_nothing():
    assert not is_hopeless([0.1], 3, EARLIER)
    assert not is_hopeless([0.1, 0.1, 0.1], 3, EARLIER)

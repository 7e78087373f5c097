"""Measures of an unlearned model, each in a file of its own: pure functions over arrays.

    accuracy           the share of right answers, overall, by class, and of what was kept
    sape               symmetric percentage errors: AccErr, AccDis; and the speed-up
    prediction_error   the loss of each row
    divergence         how far two models' answers are apart
    calibration        whether probabilities come true: ECE, Brier
    weight_distance    how far two models' weights are apart, also relative to doing nothing
    feature_injection  whether a feature that only the deleted rows had is forgotten
    unlearning_error   verification error, and its proxy
    relearn_time       how many steps bring back what was forgotten

None of them decides anything: `unlearning.evaluation.verdict` does, with the untouched and the
retrained model beside the unlearned one. Probabilities are (n, classes) and sum to 1 in each row;
labels are (n,) and count classes from 0.
"""

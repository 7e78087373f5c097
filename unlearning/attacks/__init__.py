"""Attacks that tell whether a row was trained on, each in a file of its own: over arrays.

    roc               AUC, true positives at few false ones, intervals by bootstrap
    loss_threshold    a row is a member if its loss is small (Yeom et al. 2018)
    shadow_models     a classifier of outputs, trained on models of the attacker's own (Shokri 2017)
    likelihood_ratio  per row, against models with and without it (LiRA), and its unlearning form
    before_after      what the models before and after tell together (Chen et al. 2021)
    retained_leakage  whether those who stay are now more exposed
    planted           backdoors and canaries that were put in to be found

All give scores that are higher for likelier members; `roc` judges scores. An attack that fails
proves no deletion: a better one may succeed. What counts is the retrained model's column beside it.
"""

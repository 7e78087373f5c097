"""Estimators of other libraries: built by a module, fitted whole, stored in their own formats.

estimator_module     what a module must offer, and what it is told
model_format         how estimators of a library are stored, without code; known_formats the table
skops_format         scikit-learn's, by skops; xgboost_format, lightgbm_format, catboost_format
fitting              an estimator is fitted to rows, in this process
fitting_server       a process that fits, and forks for each fit
fitting_processes    having estimators fitted by such processes, whose hashes differ
estimator_part       what a part of a model is that is an estimator
"""

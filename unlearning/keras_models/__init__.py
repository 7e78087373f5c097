"""A Keras model as a learner, and what it needs to be trained the same way twice.

keras_learner   the learner
make            builds the learner of a store's rows
module_file     what a model file must offer, and what it is told
refusals        what no run could repeat bit for bit
built_in        the built-in model
tabular         the one before it, for ledgers of earlier versions
adapting        what a module sets from the rows of a shard's first slice
encoding        of columns, the same in training and in the served model
class_weights   what a row counts for, by its class and by itself
last_hidden     what the model makes of rows before its last layer
seeds           of Python's random numbers in one thread

No other folder imports any of this: what a model of Keras can do is asked of its family.
"""

"""A Keras model as a learner, and what it needs to be trained the same way twice.

keras_learner   the learner
step_graphs     what it computes, as graphs that take tensors
make            builds the learner of a store's rows
class_weights   what a row counts for, by its class and by itself
last_hidden     what the model makes of rows before its last layer

What a module is, and what a model of Keras's is asked before it is trained, stands in the room
below (`keras_models`). No other folder imports any of this: what a model of Keras can do is asked
of its family.
"""

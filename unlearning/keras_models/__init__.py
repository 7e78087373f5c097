"""A module with a Keras model: what it offers, what its model is given, and what is refused.

module_file     what a model file must offer, and what it is told
refusals        what no run could repeat bit for bit
built_in        the built-in model
tabular         the one before it, for ledgers of earlier versions
named_inputs    what the inputs of a model are given
outputs         what an output means, and in which form its loss wants the labels
several_outputs the outputs of a model of several labels
parsing         a module's own function that makes tensors of a row; parse_trial tries it
adapting        what a module sets from the rows of a shard's first slice
adapted_layers  what layers learn so besides weights
encoding        of columns, the same in training and in the served model
seeds           of Python's random numbers in one thread

No other folder imports any of this: what a model of Keras can do is asked of its family.
"""

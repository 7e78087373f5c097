"""Options of the command line that several commands have in common.

once       commands that take an option once
shared     the workspace, JSON and so on, the project they open, and how they show an answer
reading    which tables are read, and how
training   the options of training, made from `TrainOptions`
policy     the options of the policy of requests
"""

"""Families: the kinds of models, each of which can be learnt part by part and taken apart again."""

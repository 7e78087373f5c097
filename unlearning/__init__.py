"""Forgetting: learners, strategies, plans, erasure, checks and certificates."""

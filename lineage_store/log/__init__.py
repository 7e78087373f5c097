"""The append-only event log, which an auditor can check.

events  appended, signed and verified; `kinds` what unweave logs
merkle  trees as Certificate Transparency builds them
proofs  of inclusion and consistency, to be checked offline
"""

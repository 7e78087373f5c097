"""Two records of the same thing compared, and put right: MLMD, and the row index.

differences       what a comparison found to differ
rows              the row index against the snapshots
metadata          MLMD against what it should hold
rebuilt_metadata  what it should hold, built anew from ledgers, records and log
repair_metadata   writes what is missing
"""

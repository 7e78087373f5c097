"""Answers as text for people.

console                     where text goes, and how tables look
progress_bars               on standard error, on a terminal
answers, estimates, queue,  what the commands print
lineage_answers
predictions                 a table of predictions, in CSV or Parquet; prediction_file writes it
"""

"""The lineage as a file to be looked at: `write` chooses, `svg` and `graphml` draw."""

"""What lineage and deletion cost: `python -m benchmarks` runs all, `--list` says what there is."""

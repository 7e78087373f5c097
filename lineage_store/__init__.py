"""What happened: gate, placement, rows, ledger, metadata, event log and the questions to ask."""

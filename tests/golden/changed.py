"""What answers no longer say as the old code did, by call: an entry needs an issue that says so."""

CHANGED: dict[str, set[str]] = {
    "models": {"answer[].weights_digest"},
    "status": {"answer.bytes"},  # the index has more tables
    # Of a model that has ended whole per cents stay.
    "forget": {"metrics_before.log_loss", "models[].metrics_before.log_loss"},
    "trace_model": {"answer.weights_digest", "answer.ledger_digest"},
    "ask.free": {"answer.reasons[]"},  # a number and its noun agree
    "ask.deployed": {"answer.versions[].weights_digest"},
}

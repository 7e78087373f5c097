"""Certificates and receipts as text for people: whose is whose, and what verifying found."""

from typing import Any

from lineage_store.claim import Claim
from lineage_store.counted import counted

Answer = dict[str, Any]

OPENED = {
    "opened": "the weights that it names are there",
    "ended": "it has ended, and nobody can open its commitment any more",
    "another": "not the weights that it names",
}


def proofs(answer: Answer) -> list[str]:
    """Show whose certificate is whose; of a run of before that was kept, the run's alone."""
    if not answer.get("certificates"):
        return [f"  certificate  {answer['certificate']}"] if answer.get("certificate") else []
    return [line for one in answer["certificates"] for line in proof_lines(one)]


def proof_lines(one: Answer) -> list[str]:
    which = f" (number {one['number']} of {one['deletion']})" if one["number"] else ""
    return [
        f"  certificate  {one['certificate']}{which}",
        f"  receipt      {one['receipt']}: {_receipt_state(one)}",
    ]


def _receipt_state(one: Answer) -> str:
    """Say what became of a receipt."""
    if one["receipt_handed_out"]:
        return f"handed out on {one['receipt_handed_out']}"
    if one["receipt_until"]:
        return f"to be handed out until {one['receipt_until']}"
    return "no longer to be had"


def claim_text(claim: Answer) -> str:
    """Say a claim in its own words."""
    return Claim.from_json(claim).in_words()


def _is_bridged(model: Answer) -> bool:
    return "bridged" in model.get("claim", {})


def verified(answer: Answer) -> list[Any]:
    """Show what verifying a certificate found."""
    parts = [f"{answer['verdict']}: {answer['detail']}"]
    if "request_id" in answer:
        people = f"{answer['subjects']:,} named"
        parts.append(
            f"  deletion {answer['request_id']}, certified {answer['certified']}: "
            f"{counted(answer['rows'], 'row')}, {people}"
        )
    if answer.get("speaks_of_subject"):
        parts.append("  it speaks of the id given, by its receipt")
    for model in answer.get("models", []):
        after = model["after"]["weights"][:12] if model["after"] else "withdrawn"
        parts.append(
            f"  {model['before']['weights'][:12]} -> {after}: {model['strategy']}, "
            + (claim_text(model["claim"]) if _is_bridged(model) else model["guarantee"])
            + (f", {model['basis']}" if "basis" in model and not _is_bridged(model) else "")
            + (f", exact due by {model['exact_due_by']}" if "exact_due_by" in model else "")
            + (f": {model['closeness']}" if "closeness" in model else "")
        )
    parts += [f"  {name}: {OPENED[how]}" for name, how in answer.get("opened", {}).items()]
    return parts

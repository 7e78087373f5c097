"""What `verify` says of a certificate: one verdict, and the reason in a sentence.

The envelope first (`envelope`): is it as it was sealed, and by whom. Then what it says: is it a
statement of this kind at all (`shape`), does it stand in the signed log and in its run, and is it
consistent with itself (`rules`). Only what passes all of them is *verified*. What is signed by
another key is not looked into: nothing in it counts.

Any bytes have a verdict; nothing here raises.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from unlearning.certificates import rules, shape
from unlearning.certificates.envelope import Verdict, Verification, check_claims, verify
from unlearning.certificates.log_inclusion import check_opening
from unlearning.certificates.shared_run import check_place


def judge(data: bytes, public_key: Ed25519PublicKey | None) -> Verification:
    """Check a certificate, its envelope and all that it says, against its signer's key or without.

    `statement` is None unless it is intact and has the shape of a certificate's.
    """
    found = verify(data, public_key)
    if found.statement is None:
        return found
    predicate = found.statement["predicate"]
    wrong = shape.fault(found.statement)
    if found.verdict == "signed by another key":
        return found if wrong is None else Verification(found.verdict, None, found.detail)
    if "log" not in predicate:
        return Verification("not in the log", None, f"{_INTACT} it holds no proof of the log.")
    if wrong is not None:
        return Verification("no certificate", None, f"{_INTACT} it is no certificate: {wrong}.")
    if public_key is not None and (why := check_opening(predicate, public_key)) is not None:
        return _refused(found, "not in the log", why)
    if (why := check_place(predicate)) is not None:
        return _refused(found, "not in the run", why)
    if (why := check_claims(predicate)) is not None:
        return _refused(found, "not what it is called", f"{_INTACT} {why}.")
    if (rule := rules.broken(found.statement)) is not None:
        return _refused(found, "contradicts itself", f"{_INTACT} this does not hold: {rule}")
    return found


_INTACT = "The certificate is intact, but"


def _refused(found: Verification, verdict: Verdict, detail: str) -> Verification:
    return Verification(verdict, found.statement, detail)

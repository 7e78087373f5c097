"""A certificate that checks itself: one page, which a browser opens without a network.

It holds the certificate and the signer's public key; whoever has the receipt gives that and their
id. The browser's own cryptography checks the signature (Ed25519), that the receipt belongs to this
certificate, that its nonce opens the commitment to that id, and that the person stands in the run.
That the request stood in the signed log, and the certificate's inner rules, `unweave verify` tells.
A key that a page brings along is worth what its sender is: the page shows the key's name, to be
compared with one that was had by another way.
"""

import json
from importlib.resources import files

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from lineage_store.keys import key_id, raw_public_key, to_base64

WORDS = {
    "en": {
        "title": "Is this certificate about you?",
        "lead": "It says that somebody's data were erased. With the receipt that came with it, and "
        "your id as we knew it, you can check here that it speaks of you.",
        "receipt": "The receipt (receipt.json)",
        "subject": "Your id, as it was known to us",
        "check": "Check",
        "offline": "This page works without a network: nothing that you enter leaves it.",
        "key": "Signed with the key",
        "noscript": "This page needs JavaScript; `unweave verify` does the same without.",
        "yes": "Yes. The certificate is as it was signed, and it speaks of you.",
        "says": "Deletion {deletion}, certified {on}: {rows} rows of yours, {models} models.",
        "exact": "It says that the models now are those that never saw your data, byte for byte.",
        "not_exact": "It says that the models are close to those without your data, not the same.",
        "altered": "No. This certificate was altered, or is not signed with the key below.",
        "browser": "This browser cannot check signatures (Ed25519): a newer one can, or `unweave "
        "verify`.",
        "no_receipt": "That file is no receipt.",
        "another": "The receipt belongs to another certificate.",
        "not_you": "No. The receipt belongs to this certificate, and it speaks of another id than "
        "this one: mind how yours is spelled.",
        "not_in_run": "No. The certificate does not stand in the deletion that it names.",
    },
    "de": {
        "title": "Spricht diese Bescheinigung von Ihnen?",
        "lead": "Sie sagt, dass Daten von jemandem gelöscht wurden. Mit der Quittung, die dabei "
        "war, und Ihrer Kennung bei uns können Sie hier prüfen, dass sie von Ihnen spricht.",
        "receipt": "Die Quittung (receipt.json)",
        "subject": "Ihre Kennung, wie wir sie kannten",
        "check": "Prüfen",
        "offline": "Diese Seite braucht kein Netz: Nichts, was Sie eingeben, verlässt sie.",
        "key": "Signiert mit dem Schlüssel",
        "noscript": "Diese Seite braucht JavaScript; ohne prüft `unweave verify` dasselbe.",
        "yes": "Ja. Die Bescheinigung ist so, wie sie signiert wurde, und spricht von Ihnen.",
        "says": "Löschung {deletion}, bescheinigt {on}: {rows} Zeilen von Ihnen, {models} Modelle.",
        "exact": "Sie sagt, dass die Modelle jetzt die sind, die Ihre Daten nie gesehen haben, "
        "Byte für Byte.",
        "not_exact": "Sie sagt, dass die Modelle denen ohne Ihre Daten nahe sind, nicht gleich.",
        "altered": "Nein. Die Bescheinigung wurde verändert oder ist nicht mit dem Schlüssel unten "
        "signiert.",
        "browser": "Dieser Browser kann keine Signaturen (Ed25519) prüfen: ein neuerer kann es, "
        "oder `unweave verify`.",
        "no_receipt": "Diese Datei ist keine Quittung.",
        "another": "Die Quittung gehört zu einer anderen Bescheinigung.",
        "not_you": "Nein. Die Quittung gehört zu dieser Bescheinigung, und die spricht von einer "
        "anderen Kennung als dieser: Achten Sie auf die Schreibweise.",
        "not_in_run": "Nein. Die Bescheinigung steht nicht in der Löschung, die sie nennt.",
    },
}


def verify_page(certificate: bytes, public_key: Ed25519PublicKey, *, language: str) -> bytes:
    """Return the page for one certificate, byte for byte the one that was signed."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string(
        (files(__package__) / "verify.html.j2").read_text(encoding="utf-8")
    )
    words = WORDS[language]
    text = template.render(
        language=language,
        words=words,
        words_json=Markup(_in_script(json.dumps(words, ensure_ascii=False))),
        # Base64 in canonical JSON: nothing in it ends a script.
        certificate=Markup(_in_script(certificate.decode("ascii"))),
        key=to_base64(raw_public_key(public_key)),
        key_id=key_id(public_key),
    )
    return text.encode("utf-8")


def _in_script(text: str) -> str:
    """Return text that stands in a script element as it is; raises ValueError for what cannot."""
    if "</" in text or "<!--" in text:
        raise ValueError("what a script holds would end it")
    return text

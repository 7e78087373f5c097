"""The workspace's secret and what is made of it.

secret       the one secret, and the keys that HKDF derives from it
desk_keys    the two of them that the desk holds
pseudonyms   what stands for a subject outside its own row, under a key that can be destroyed
spellings    the ids that there are rows of, sealed, and found by what they fold to
subject_ids  when two spellings are one id, and when they may be
exclusions   what a training keeps out, by commitments
receipts     what opens a person's commitments, until it is handed out
sealed       personal data that must be kept for a while, unreadable without the secret
signing      Ed25519 keys: made, kept and read back
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.keys.exclusions import Exclusions, KnownRows
    from lineage_store.keys.pseudonyms import Pseudonyms
    from lineage_store.keys.receipts import Receipts, overwrite
    from lineage_store.keys.sealed import seal, unseal
    from lineage_store.keys.secret import Keys, erased, keyed
    from lineage_store.keys.signing import (
        create_signing_key,
        from_base64,
        is_signed_by,
        key_id,
        load_private_key,
        load_public_key,
        raw_public_key,
        to_base64,
    )
    from lineage_store.keys.subject_ids import (
        alike_entry,
        canonical_id,
        entries_of,
        entries_of_ids,
        folded_id,
        why_alike,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "exclusions": ("Exclusions", "KnownRows"),
            "pseudonyms": ("Pseudonyms",),
            "receipts": ("Receipts", "overwrite"),
            "sealed": ("seal", "unseal"),
            "secret": ("Keys", "erased", "keyed"),
            "signing": (
                "create_signing_key",
                "from_base64",
                "is_signed_by",
                "key_id",
                "load_private_key",
                "load_public_key",
                "raw_public_key",
                "to_base64",
            ),
            "subject_ids": (
                "alike_entry",
                "canonical_id",
                "entries_of",
                "entries_of_ids",
                "folded_id",
                "why_alike",
            ),
        },
    )

__all__ = [
    "Exclusions",
    "Keys",
    "KnownRows",
    "Pseudonyms",
    "Receipts",
    "alike_entry",
    "canonical_id",
    "create_signing_key",
    "entries_of",
    "entries_of_ids",
    "erased",
    "folded_id",
    "from_base64",
    "is_signed_by",
    "key_id",
    "keyed",
    "load_private_key",
    "load_public_key",
    "overwrite",
    "raw_public_key",
    "seal",
    "to_base64",
    "unseal",
    "why_alike",
]

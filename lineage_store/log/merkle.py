"""Merkle trees as Certificate Transparency builds them.

A tree over n leaves has one 32-byte root. Two short proofs go with it: that a leaf is in the tree
(inclusion), and that a larger tree only appended to a smaller one (consistency). Leaves and inner
nodes are hashed with different prefixes, so that neither can be passed off as the other.

A size and its root belong together: take both from one signed head. Trees of different sizes can
have the same shape along one path, so a proof alone does not say how large the tree is.

Sources: RFC 6962 section 2.1 (trees and proofs), RFC 9162 sections 2.1.3.2 and 2.1.4.2
(verification).
"""

import hashlib
from collections.abc import Sequence

from lineage_store.errors import BadInput

HASH_BYTES = 32


def leaf_hash(data: bytes) -> bytes:
    """Return the 32-byte hash of one leaf's data."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of an inner node of two hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the 32-byte root over the leaf hashes, in their order.

    No leaves at all give the hash of nothing. Takes one hash per inner node.
    """
    if not leaf_hashes:
        return hashlib.sha256(b"").digest()
    level = leaf_hashes
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def inclusion_proof(index: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """Return the hashes that lead from leaf `index` (from 0) up to the root, lowest first.

    Raises BadInput if there is no such leaf.
    """
    if not 0 <= index < len(leaf_hashes):
        raise BadInput(
            f"There is no leaf {index} in a tree of {len(leaf_hashes)}: "
            "ask for a proof of a leaf that is in the tree."
        )
    proof = []
    level = leaf_hashes
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level = _level_above(level)
        index >>= 1
    return proof


def verify_inclusion(
    *, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Say whether `leaf` (a leaf hash) is number `index` (from 0) of the tree (`size`, `root`).

    False for anything that does not fit, malformed proofs included (RFC 9162 section 2.1.3.2).
    """
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        return False
    node, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            computed = node_hash(sibling, computed)
            # A last node without a sibling moved up unchanged: skip those levels.
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and computed == root


def consistency_proof(old_size: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """Return the hashes which show that the tree's first `old_size` leaves are an older tree.

    Empty if the older tree is empty or is the whole tree. Raises BadInput if the older tree
    would be larger than the tree.
    """
    if not 0 <= old_size <= len(leaf_hashes):
        raise BadInput(
            f"A tree of {len(leaf_hashes)} leaves cannot have grown out of one of {old_size}: "
            "give the size of an earlier tree."
        )
    return _subproof(old_size, leaf_hashes, known=True) if old_size else []


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Say whether the tree (`new_size`, `new_root`) only appended to (`old_size`, `old_root`).

    False for anything that does not fit, malformed proofs included (RFC 9162 section 2.1.4.2).
    Every tree continues the empty one.
    """
    if not 0 <= old_size <= new_size or not _are_hashes(old_root, new_root, *proof):
        return False
    if old_size == 0:
        return not proof and old_root == root(()) and (new_size > 0 or new_root == old_root)
    if old_size == new_size:
        return not proof and old_root == new_root
    if not proof:
        return False
    # A full old tree is itself a node of the new one, and then the proof leaves it out.
    path = proof if old_size & (old_size - 1) else [old_root, *proof]
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _level_above(level: Sequence[bytes]) -> list[bytes]:
    """Pair neighbours; a last one without a neighbour moves up as it is."""
    above = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    if len(level) % 2:
        above.append(level[-1])
    return above


def _subproof(old_size: int, leaf_hashes: Sequence[bytes], *, known: bool) -> list[bytes]:
    """RFC 6962 section 2.1.2; `known` while the verifier has the older root of this subtree."""
    size = len(leaf_hashes)
    if old_size == size:
        return [] if known else [root(leaf_hashes)]
    # The left subtree is the largest full one that leaves something on the right.
    left = 1 << ((size - 1).bit_length() - 1)
    if old_size <= left:
        return [*_subproof(old_size, leaf_hashes[:left], known=known), root(leaf_hashes[left:])]
    return [
        *_subproof(old_size - left, leaf_hashes[left:], known=False),
        root(leaf_hashes[:left]),
    ]


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)

"""Merkle trees: the published vectors, every small tree, and that nothing forged passes."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.errors import BadInput
from lineage_store.log import merkle

# The leaves, roots and proofs of the Certificate Transparency reference implementations.
CT_LEAVES = [
    bytes.fromhex(data)
    for data in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CT_CONSISTENCY = {
    (1, 1): [],
    (1, 8): CT_INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): CT_INCLUSION[1, 5][1:],
}

LARGEST = 40
LEAVES = [merkle.leaf_hash(b"leaf %d" % i) for i in range(LARGEST)]
SIZES = st.integers(1, LARGEST)


def hexes(hashes):
    return [value.hex() for value in hashes]


def changed(data, bit):
    position = bit % (8 * len(data))
    mask = 1 << (position % 8)
    index = position // 8
    return data[:index] + bytes([data[index] ^ mask]) + data[index + 1 :]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size):
    leaves = [merkle.leaf_hash(data) for data in CT_LEAVES[:size]]
    assert merkle.root(leaves).hex() == CT_ROOTS[size]


@pytest.mark.parametrize(("index", "size"), CT_INCLUSION)
def test_inclusion_proofs_are_the_published_ones(index, size):
    leaves = [merkle.leaf_hash(data) for data in CT_LEAVES[:size]]
    assert hexes(merkle.inclusion_proof(index, leaves)) == CT_INCLUSION[index, size]


@pytest.mark.parametrize(("old", "new"), CT_CONSISTENCY)
def test_consistency_proofs_are_the_published_ones(old, new):
    leaves = [merkle.leaf_hash(data) for data in CT_LEAVES[:new]]
    assert hexes(merkle.consistency_proof(old, leaves)) == CT_CONSISTENCY[old, new]


def root_by_definition(leaves):
    """RFC 6962 section 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    pair = root_by_definition(leaves[:k]) + root_by_definition(leaves[k:])
    return hashlib.sha256(b"\x01" + pair).digest()


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_small_tree_proves_every_leaf_and_every_older_tree(size):
    leaves = LEAVES[:size]
    root = merkle.root(leaves)
    assert root == root_by_definition(leaves)
    for index in range(size):
        proof = merkle.inclusion_proof(index, leaves)
        assert merkle.verify_inclusion(
            leaf=leaves[index], index=index, size=size, proof=proof, root=root
        )
        for other in {*range(-1, size + 2)} - {index}:
            assert not merkle.verify_inclusion(
                leaf=leaves[index], index=other, size=size, proof=proof, root=root
            )
    for old in range(size + 1):
        proof = merkle.consistency_proof(old, leaves)
        assert merkle.verify_consistency(
            old_size=old,
            old_root=merkle.root(leaves[:old]),
            new_size=size,
            new_root=root,
            proof=proof,
        )


@given(size=SIZES, data=st.data())
def test_an_inclusion_proof_fits_nothing_else(size, data):
    leaves = LEAVES[:size]
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, leaves)
    given = {
        "leaf": leaves[index],
        "index": index,
        "size": size,
        "proof": proof,
        "root": merkle.root(leaves),
    }
    bit = data.draw(st.integers(0))
    other = data.draw(SIZES.filter(lambda value: value != size))
    forgeries = [
        {"leaf": changed(given["leaf"], bit)},
        {"root": changed(given["root"], bit)},
        {"size": other, "root": merkle.root(LEAVES[:other])},
        {"size": 2 * size},
        {"size": index},
        {"proof": [*proof, LEAVES[0]]},
        {"leaf": given["leaf"][:-1]},
    ]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        forgeries += [
            {"proof": [*proof[:at], changed(proof[at], bit), *proof[at + 1 :]]},
            {"proof": proof[:at] + proof[at + 1 :]},
            {"proof": [*proof[:at], proof[at] + b"\x00", *proof[at + 1 :]]},
        ]
    assert merkle.verify_inclusion(**given)
    for forgery in forgeries:
        assert not merkle.verify_inclusion(**given | forgery), forgery


@given(size=SIZES, data=st.data())
def test_a_consistency_proof_fits_nothing_else(size, data):
    leaves = LEAVES[:size]
    old = data.draw(st.integers(1, size))
    proof = merkle.consistency_proof(old, leaves)
    given = {
        "old_size": old,
        "old_root": merkle.root(leaves[:old]),
        "new_size": size,
        "new_root": merkle.root(leaves),
        "proof": proof,
    }
    bit = data.draw(st.integers(0))
    other_old = data.draw(st.integers(0, LARGEST).filter(lambda value: value != old))
    other_new = data.draw(SIZES.filter(lambda value: value != size))
    forgeries = [
        {"old_root": changed(given["old_root"], bit)},
        {"new_root": changed(given["new_root"], bit)},
        {"old_size": other_old},
        {"old_size": other_old, "old_root": merkle.root(LEAVES[:other_old])},
        {"new_size": other_new, "new_root": merkle.root(LEAVES[:other_new])},
        {"new_size": 2 * size},
        {"new_size": old - 1},
        {"proof": [*proof, LEAVES[0]]},
    ]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        forgeries += [
            {"proof": [*proof[:at], changed(proof[at], bit), *proof[at + 1 :]]},
            {"proof": proof[:at] + proof[at + 1 :]},
            {"proof": [*proof[:at], proof[at] + b"\x00", *proof[at + 1 :]]},
        ]
    assert merkle.verify_consistency(**given)
    for forgery in forgeries:
        # An honest proof between two other trees may be the same list (it is empty, say).
        if given | forgery != given and not is_honest(given | forgery):
            assert not merkle.verify_consistency(**given | forgery), forgery


def is_honest(claim):
    old, new = claim["old_size"], claim["new_size"]
    return (
        0 <= old <= new <= LARGEST
        and claim["old_root"] == merkle.root(LEAVES[:old])
        and claim["new_root"] == merkle.root(LEAVES[:new])
        and claim["proof"] == merkle.consistency_proof(old, LEAVES[:new])
    )


def test_a_proof_alone_does_not_tell_the_size_of_the_tree():
    # Why the module says that size and root come from one signed head.
    proof = merkle.inclusion_proof(0, LEAVES[:8])
    for size in (7, 8):
        assert merkle.verify_inclusion(
            leaf=LEAVES[0], index=0, size=size, proof=proof, root=merkle.root(LEAVES[:8])
        )


def test_a_proof_too_long_for_the_tree_is_refused():
    pair = LEAVES[:2]
    assert not merkle.verify_inclusion(
        leaf=pair[1], index=0, size=1, proof=[pair[0]], root=merkle.root(pair)
    )
    # One step too many would otherwise join a stranger to both trees at once.
    old, new = merkle.root(LEAVES[:3]), merkle.root(LEAVES[:4])
    extra = LEAVES[9]
    assert not merkle.verify_consistency(
        old_size=3,
        old_root=hashlib.sha256(b"\x01" + extra + old).digest(),
        new_size=4,
        new_root=hashlib.sha256(b"\x01" + extra + new).digest(),
        proof=[*merkle.consistency_proof(3, LEAVES[:4]), extra],
    )


def test_what_is_no_hash_is_refused():
    assert not merkle.verify_inclusion(leaf=b"x", index=0, size=1, proof=[], root=b"x")
    assert not merkle.verify_consistency(
        old_size=1, old_root=b"x", new_size=1, new_root=b"x", proof=[]
    )


def test_a_changed_history_is_not_consistent():
    rewritten = [merkle.leaf_hash(b"other"), *LEAVES[1:20]]
    assert not merkle.verify_consistency(
        old_size=9,
        old_root=merkle.root(LEAVES[:9]),
        new_size=20,
        new_root=merkle.root(rewritten),
        proof=merkle.consistency_proof(9, rewritten),
    )


def test_the_empty_tree_comes_before_every_tree_but_has_no_leaves():
    empty = merkle.root([])
    assert merkle.verify_consistency(
        old_size=0, old_root=empty, new_size=0, new_root=empty, proof=[]
    )
    assert not merkle.verify_consistency(
        old_size=0, old_root=empty, new_size=0, new_root=LEAVES[0], proof=[]
    )
    assert not merkle.verify_consistency(
        old_size=0, old_root=LEAVES[1], new_size=1, new_root=LEAVES[0], proof=[]
    )
    assert not merkle.verify_inclusion(leaf=empty, index=0, size=0, proof=[], root=empty)


@pytest.mark.parametrize("index", [-1, 3])
def test_no_proof_of_a_leaf_outside_the_tree(index):
    with pytest.raises(BadInput, match=f"no leaf {index} in a tree of 3"):
        merkle.inclusion_proof(index, LEAVES[:3])


@pytest.mark.parametrize("old_size", [-1, 4])
def test_no_proof_of_an_older_tree_that_was_larger(old_size):
    with pytest.raises(BadInput, match="A tree of 3 leaves"):
        merkle.consistency_proof(old_size, LEAVES[:3])

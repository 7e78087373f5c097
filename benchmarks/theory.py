"""What forgetting must cost in a partition of S shards and R slices: closed forms.

Costs are shares of the full training of the same partition. Stage j of a shard (j = 1 to R) trains
on slices 1 to j, for the same number of epochs as every other stage, so that it costs j parts of
the 1 + 2 + ... + R = R (R + 1) / 2 that its shard costs:

    w_j = 2 j / (R (R + 1))        of a shard, and all S shards cost the same

Stage j must be computed again if one of its rows goes: of K rows drawn evenly and independently,
none lies in the j of the S R slices that it saw with probability (1 - j / (S R))^K. So the cost of
K single-row requests, each shard retrained once from the earliest slice that loses a row, is

    together(K)   = sum over j of w_j (1 - (1 - j / (S R))^K)

and one after the other, each from its own slice, K times the cost of one:

    one_by_one(K) = K together(1) = K (2 R + 1) / (3 R S)

The greatest possible speed-up for one row is therefore 3 R S / (2 R + 1): S for one slice, and
never above 1.5 S. Bourtoule et al. 2021, "Machine Unlearning", analyse sharding and slicing each
for itself (section V); this is both at once, for their rule of 2 E / (R + 1) epochs a
stage. Slices are taken to be of equal size here, and neither batches nor epochs to be rounded: real
plans differ from it by a few per cent.
"""


def weights(slices: int) -> list[float]:
    """Return the share of a shard's training that each of its stages takes, first stage first."""
    return [2 * stage / (slices * (slices + 1)) for stage in range(1, slices + 1)]


def together(requests: float, *, shards: int, slices: int) -> float:
    """Return the expected cost of single-row requests in one run, as a share of full training."""
    cells = shards * slices
    return sum(
        weight * (1 - (1 - stage / cells) ** requests)
        for stage, weight in enumerate(weights(slices), start=1)
    )


def one_by_one(requests: float, *, shards: int, slices: int) -> float:
    """Return the expected cost of single-row requests in a run each: may be above 1."""
    return requests * together(1, shards=shards, slices=slices)


def limit(requests: float, *, shards: int, slices: int) -> float:
    """Return how many times faster than full training forgetting can be at the most."""
    return 1 / together(requests, shards=shards, slices=slices)

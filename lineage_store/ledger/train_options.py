"""The options of a training run: each stands here once, with its default, its limits and its words.

An option is a field of `TrainOptions`. From it follow its check, its place in the JSON of tasks,
records and ledgers, and its option of the command line (`unweave.options.training`), so a
new one is written here, as an argument of `Project.train`, and where it acts:

    momentum: int = option(0, "What is kept of the step before, in per cent.", low=0, high=99)

Messages and help name an option as Python does, in backticks: the command line makes a flag of it.
What the names of policies stand for is said by those who carry them out; a test holds the two
together, so that this file needs none of them.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.placement import Partition

SHARDS, SLICES = 5, 4  # of what no family decided about
FIRST_FAMILY = "keras"  # what a ledger that names none was trained with
OPTION = "option"
SUMMED = "summed"
OF_PIPELINES = frozenset(("statistics",))
"""The options that no family has a use for: they are the pipeline's."""
LOSSLESS = "float32"  # as in `update_codecs`, which a command line that starts fast must not import


@dataclass(frozen=True)
class Option:
    """What is known of an option besides its default; numbers lie between `low` and `high`.

    `among` are the values of one that has names for them, `metavar` stands for its value in a help
    text, which `shown` says to tell the default. One that is `written` stands in every ledger;
    others only where they are not their default, so that ledgers without them keep their digests.
    One that is `decided` follows from others: nobody gives it.
    """

    help: str
    low: float | None = None
    high: float | None = None
    among: tuple[str, ...] = ()
    metavar: str | None = None
    shown: bool = False
    written: bool = False
    decided: bool = False


def option(default: Any, help: str, **known: Any) -> Any:
    """Return the field of an option; what is known of it is an `Option`."""
    return field(default=default, metadata={OPTION: Option(help, **known)})


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What a user may choose for a training run besides its data, its module and its base.

    `shards` and `slices` are None where the base of the run or its family decides; `by_table` says
    that they were looked up, and are again for the rows that remain. `update_codec`
    is None where updates are kept as they are, if they are kept. Checkpoints within stages are kept
    every `checkpoint_every` batches, or as often as they fit in `checkpoint_budget` bytes; they
    change no bit of the result, and nor does the codec. Where `record_budget` is given, policy,
    codec and interval become what these bytes afford (`record_budget.affordable`).
    """

    model_family: str = option(
        FIRST_FAMILY, "The kind of model: see docs/families.md.", metavar="NAME", shown=True
    )
    shards: int | None = option(
        None,
        "Parts trained apart.  [default: as many as `base` has, or 1 to 5, by rows and classes]",
        low=1,
        high=999,
    )
    slices: int | None = option(
        None, "Stages of each shard.  [default: 1 to 4, by rows and classes]", low=1, high=99
    )
    by_table: bool = option(
        False, "The shards and slices are those of the table of defaults.", decided=True
    )
    epochs: int = option(10, "Epochs of plain training to match.", low=1, high=100_000, shown=True)
    batch_size: int = option(64, "Mean rows of a batch.", low=1, high=1 << 20, shown=True)
    seed: int = option(0, "The seed of everything random.", low=0, high=(1 << 63) - 1, shown=True)
    device: str = option(
        "cpu",
        "What trains a network: the processor, or one graphics card of NVIDIA's.",
        among=("cpu", "gpu"),
        shown=True,
    )
    risk_rules: tuple[str, ...] = option(
        (),
        "Rows likely to be withdrawn, for late slices: COLUMN=TEXT, COLUMN<NUMBER or "
        "COLUMN>=NUMBER; again for rows still likelier.",
        metavar="RULE",
    )
    risk_shards: int = option(0, "Put rows of risk rules into that many shards; 0 means all.")
    risk_share: int = option(
        0,
        "The percentage of rows expected under the risk rules, to even out the shards.",
        low=0,
        high=99,
    )
    record: str = option(
        "none",
        "Which parameter updates to keep, for approximate deletion: see docs/updates.md.",
        among=("none", "all", "at-risk", "regenerate"),
        shown=True,
        written=True,
    )
    update_codec: str | None = option(
        None,
        "How to keep them: as they are, rounded, or in 8 bits.  [default: float32]",
        among=("float32", "bfloat16", "int8"),
        written=True,
    )
    record_budget: int | None = option(
        None,
        "With `record` all: keep updates by the most exact codec that fits; if none does, "
        "checkpoints to compute them again.",
        low=1,
        metavar="BYTES",
    )
    aggregate: str = option(
        "mean",
        "How shards make one answer: mean; vote (classes); median (numbers).",
        among=("mean", "vote", "median"),
        shown=True,
        written=True,
    )
    class_weights: str = option(
        "none",
        "What a row counts for: all alike, or rare classes more, so that all classes do.",
        among=("none", "balanced"),
        shown=True,
        written=True,
    )
    penalty: float = option(
        1.0, "What holds the weights of ridge and logistic small.", low=1e-9, high=1e9, shown=True
    )
    scales: tuple[str, ...] = option(
        (),
        "What one is in a column of numbers, for sums and weights on a grid: COLUMN=NUMBER.",
        metavar="COLUMN=NUMBER",
    )
    features: int | None = option(
        None,
        "Read the numbers, and values of texts, that tell most of the label: at most so many.",
        low=1,
        high=4096,
    )
    trees: int = option(100, "Trees of a forest.", low=1, high=9_999, shown=True)
    tree_share: float = option(
        0.2, "The share of the rows that each tree is grown from.", low=0.001, high=1, shown=True
    )
    tree_depth: int = option(
        24, "The most splits from a tree's root to a leaf.", low=1, high=60, shown=True
    )
    candidates: int = option(
        128, "Among how many splits a node of a tree chooses at most.", low=1, high=4096, shown=True
    )
    leaf_rows: int = option(
        2, "The least rows on either side of a split.", low=1, high=1 << 20, shown=True
    )
    clusters: int = option(8, "Clusters of k-means, at most.", low=1, high=1024, shown=True)
    similarity: str = option(
        "cosine",
        "How alike two items are, of the histories that they share.",
        among=("cosine", "jaccard"),
        shown=True,
    )
    neighbours: int = option(
        50, "Of each item, recommend from so many most alike.", low=1, high=1000, shown=True
    )
    early_stop: int | None = option(
        None,
        "End a stage after so many epochs without a lower loss on its evaluation rows.",
        low=1,
        high=100_000,
        metavar="PATIENCE",
        written=True,
    )
    statistics: str = option(
        SUMMED,
        "How TFX is told what the columns hold: summed cell by cell, or by its own StatisticsGen "
        "and an ExampleValidator, which read the whole table at each deletion.",
        among=(SUMMED, "tfx"),
        shown=True,
    )
    checkpoint_every: int | None = option(
        None, "Also keep a checkpoint every so many batches of a stage.", low=1, written=True
    )
    checkpoint_budget: int | None = option(
        None, "The same, as often as fits into so many bytes.", low=1, written=True
    )

    def __post_init__(self) -> None:
        for name in ("risk_rules", "scales"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON gives a list

    @property
    def partition(self) -> Partition:
        """How the run cuts its data."""
        cut = {one.name: getattr(self, one.name) for one in fields(Partition)}
        for name, default in (("shards", SHARDS), ("slices", SLICES)):
            cut[name] = default if cut[name] is None else cut[name]
        return Partition(**cut)

    @property
    def codec(self) -> str:
        """The codec by which updates are kept, if they are."""
        return self.update_codec or LOSSLESS

    def validate(self) -> None:
        """Check every option, and what goes together; raises BadInput naming the option."""
        for one in fields(self):
            _must_fit(one.name, getattr(self, one.name), one.default, one.metadata[OPTION])
        partition = self.partition
        _must_lie("risk_shards", self.risk_shards, 0, partition.shards)
        if self.checkpoint_every is not None and self.checkpoint_budget is not None:
            raise BadInput("Give `checkpoint_every` or `checkpoint_budget`, not both.")
        if partition.slices < partition.bands:
            raise BadInput(
                f"`slices` is {partition.slices}: with {len(self.risk_rules)} risk rules it goes "
                f"from {partition.bands}, since the rows of each have a slice of their own."
            )
        if partition.bands == 1 and (self.risk_shards or self.risk_share):
            raise BadInput("`risk_shards` and `risk_share` go with `risk_rules`: give a rule.")
        if self.record == "at-risk" and partition.bands == 1:
            raise BadInput("`record` at-risk goes with `risk_rules`: give a rule.")
        if self.update_codec is not None and self.record not in ("all", "at-risk"):
            raise BadInput(
                "`update_codec` goes with `record` all or at-risk: no updates are kept otherwise."
            )
        decided = (self.update_codec, self.checkpoint_every, self.checkpoint_budget)
        if self.record_budget is not None and (self.record != "all" or any(decided)):
            raise BadInput(
                "`record_budget` goes with `record` all, and decides what `update_codec`, "
                "`checkpoint_every` and `checkpoint_budget` would: leave these out."
            )

    def to_json(self) -> dict[str, Any]:
        """Return the options as JSON, those that cut the data together."""
        cut = asdict(self.partition)
        told = {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.name not in cut
            and (one.metadata[OPTION].written or getattr(self, one.name) != one.default)
        }
        return {"partition": cut, **told, "update_codec": self.codec}

    def in_header(self) -> dict[str, Any]:
        """Return the options as a ledger's header says them, the two of checkpoints together."""
        told = self.to_json()
        every, budget = told.pop("checkpoint_every"), told.pop("checkpoint_budget")
        return {**told, "checkpoints": {"every": every, "budget": budget}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrainOptions":
        """Read the options in a task, a record or a header of any age; it may say other things too.

        An option that it does not say has its default. Raises KeyError and TypeError for what no
        unweave wrote.
        """
        kept = {f"checkpoint_{name}": one for name, one in value.get("checkpoints", {}).items()}
        told = {**value, **kept, **asdict(Partition(**value["partition"]))}
        if told.get("update_codec") == LOSSLESS:
            told["update_codec"] = None
        return cls(**{one.name: told[one.name] for one in fields(cls) if one.name in told})


def _must_fit(name: str, value: Any, default: Any, known: Option) -> None:
    if known.decided or (value is None and default is None):
        return
    if known.among:
        if value not in known.among:
            raise BadInput(f"`{name}` is {value!r}: it is one of {', '.join(known.among)}.")
    elif isinstance(default, float):
        if not isinstance(value, float | int) or isinstance(value, bool) or value != value:
            raise BadInput(f"`{name}` is {value!r}: it is a number.")
        _must_lie(name, value, known.low, known.high)
    elif isinstance(default, int) or default is None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadInput(f"`{name}` is {value!r}: it is a whole number.")
        _must_lie(name, value, known.low, known.high)


def _must_lie(name: str, value: float, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and not low <= value <= high:
        raise BadInput(f"`{name}` is {value}: it goes from {low} to {high}.")
    if low is not None and value < low:
        raise BadInput(f"`{name}` is {value}: it is at least {low}.")

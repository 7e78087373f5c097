"""The plan of one model as a value: written down before anything is changed, and read back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lineage_store.claim import Claim, Word, claim_of
from lineage_store.data import Schema
from lineage_store.errors import LeftAsItIs
from lineage_store.placement import Partition
from unlearning.planning.estimates import Estimate
from unlearning.planning.kept_for_later import Afterwards
from unlearning.planning.reuse import Reuse
from unlearning.planning.verdicts import Verdict
from unlearning.strategies.decision import Decision, DecisionWords, Exposure, decision_json
from unlearning.strategies.known_strategies import strategy_of
from unlearning.strategies.past_decision import PastDecision


@dataclass(frozen=True)
class BaseAfter:
    """What a request leaves of the base of a model, which it may not touch at all.

    `model` is the base's id then, and `schema` what its rows say, both None if it is withdrawn;
    `shards` are the decisions on the base's shards, none if it is not touched; `partition` is how
    its rows are cut, if that is not as before.
    """

    model: str | None
    guarantee: str
    schema: Schema | None
    shards: tuple[Decision, ...] = ()
    partition: Partition | None = None


@dataclass(frozen=True)
class BaseChange:
    """The base of a planned model before and after; `after` is None if it starts afresh.

    `moved` are the shards whose start changes; `guarantee` is that of the base after.
    """

    before: str
    after: str | None
    guarantee: str
    moved: tuple[int, ...]

    @property
    def claim(self) -> Claim:
        """What the base may say of itself then."""
        return claim_of(self.guarantee)

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self) | {"moved": list(self.moved)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "BaseChange":
        """Read the value back."""
        return cls(**{**value, "moved": tuple(value["moved"])})


@dataclass(frozen=True)
class ModelPlan:
    """What will be done to one model; `model_after` is None if it is withdrawn.

    `claim` is what the result may say of itself. With early stopping, `steps_planned` and
    `steps_full` are the most that there can be. `base` is None for a model that was not trained
    from another. `estimates` say what each strategy would cost; a plan of an earlier unweave has
    none. `exposure` tells how much of the run an approximate deletion touches, and `later` what it
    keeps; None if it is exact. `reuse` says how what an exact one takes over is earned; None until
    that is known. `said` is what people were told, of a plan that is past (`past_plan`).
    `partition` is how the rows that remain are cut, if that is not as before.
    """

    model_before: str
    model_after: str | None
    strategy: str
    claim: Claim
    why: str
    rows_found: int
    rows_by_split: Mapping[str, int]
    shards: tuple[Decision, ...]
    steps_planned: int
    steps_full: int
    verdicts: tuple[Verdict, ...]
    inference_changed: bool
    early_stop: int | None = None
    base: BaseChange | None = None
    estimates: tuple[Estimate, ...] = ()
    exposure: Exposure | None = None
    later: Afterwards | None = None
    reuse: Reuse | None = None
    said: DecisionWords | None = None
    partition: Partition | None = None

    @property
    def guarantee(self) -> Word:
        """The word for the claim."""
        return self.claim.word

    @property
    def words(self) -> DecisionWords:
        """What the strategy says of it for people."""
        return self.said or strategy_of(self.strategy).words(self.shards)

    @property
    def estimate(self) -> Estimate | None:
        """What the chosen strategy was estimated to cost; None if the model is withdrawn."""
        return next((one for one in self.estimates if one.strategy == self.strategy), None)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What should be known before it is carried out: a sentence each."""
        if self.exposure is None:
            return ()
        warning = strategy_of(self.strategy).warning(self.model_before, self.exposure)
        return () if warning is None else (warning,)

    @property
    def base_model(self) -> str | None:
        """The id of the model that the new one starts from, if it does."""
        return None if self.base is None else self.base.after

    @property
    def moved_shards(self) -> tuple[int, ...]:
        """The shards that start from other weights than they did."""
        return () if self.base is None else self.base.moved

    @property
    def affected_shards(self) -> list[int]:
        """The shards that change."""
        return [decision.shard for decision in self.shards if decision.changes]

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON; without a base, or exposure, there is no such key."""
        value = asdict(self) | {
            "rows_by_split": dict(self.rows_by_split),
            "guarantee": self.guarantee,
            "claim": self.claim.to_json(),
            "shards": [decision_json(decision) for decision in self.shards],
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "estimates": [estimate.to_json() for estimate in self.estimates],
        }
        for name in ("base", "exposure", "later", "reuse", "said", "partition"):
            del value[name]
        if self.base is not None:
            value["base"] = self.base.to_json()
        if self.exposure is not None:
            value["exposure"] = asdict(self.exposure)
        if self.later is not None:
            value["later"] = self.later.to_json()
        if self.reuse is not None:
            value["reuse"] = self.reuse.to_json()
        if self.said is not None:
            value["said"] = self.said.to_json()
        if self.partition is not None:
            value["partition"] = asdict(self.partition)
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ModelPlan":
        """Read the value back, whatever may stand beside it.

        Raises LeftAsItIs if its guarantee is not the word for its claim.
        """
        read = PastDecision.from_json if "said" in value else strategy_of(value["strategy"]).read
        guarantee, base = value["guarantee"], value.get("base")
        claim = Claim.from_json(value["claim"]) if "claim" in value else claim_of(guarantee)
        if claim.word != guarantee:
            raise LeftAsItIs(
                f"The plan for {value['model_before']} calls a result {guarantee} that is "
                f"{claim.word}: nothing was changed; ask for another strategy."
            )
        return cls(
            **{
                **{name: one for name, one in value.items() if name in cls.__annotations__},
                "claim": claim,
                "shards": tuple(map(read, value["shards"])),
                "verdicts": tuple(Verdict(**item) for item in value["verdicts"]),
                "base": None if base is None else BaseChange.from_json(base),
                "estimates": tuple(Estimate(**item) for item in value.get("estimates", ())),
                "exposure": Exposure(**value["exposure"]) if "exposure" in value else None,
                "later": Afterwards.from_json(value["later"]) if "later" in value else None,
                "reuse": Reuse.from_json(value["reuse"]) if "reuse" in value else None,
                "said": DecisionWords.from_json(value["said"]) if "said" in value else None,
                "partition": Partition(**value["partition"]) if "partition" in value else None,
            }
        )

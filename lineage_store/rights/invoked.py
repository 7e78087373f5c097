"""What a request invokes: a right, on a ground; and how that stands.

Erasure and what ends in it run like every deletion. Access and portability are answered by a pack,
rectification by a training on the corrected file. A restriction takes effect as soon as it is clear
whose rows are meant, and lasts until it is lifted; so does an objection, until it is weighed.

*Restricted* means:

- No training takes the rows in, as features or for evaluation: the gate knows the person and the
  row keys, as it knows those of the forgotten (`index.manifest`, table `restricted`).
- Nobody else's request deletes them: neither one that names the same id, nor one whose person
  shares a row with the restricted one. It waits until the restriction has ended.
- The models that are live still carry the rows: their trail is checked against their data, which
  therefore stay where they are. The answer says so.
- With *kept rows* (`keep_rows`) the next run takes the rows out of the models, as a deletion does,
  exactly and with a certificate that says that they are kept. They lie sealed then, in
  `keys/restricted/<request>.json`, and nowhere else (`requests.kept_rows`): for storage alone, as
  Article 18(2) has it. They can be put back into a file that is trained on.

Where a request is manifestly unfounded or excessive, a fee may be asked for before anything is done
(12(5)(a)). The person is told first, and may take the request back instead: "controllers should
provide an indication of their plan to do so", and data subjects "have to be enabled to decide
whether they will withdraw the request to avoid being charged" (EDPB Guidelines 01/2022, version
2.1, paragraph 192). The law's clock runs on meanwhile.

The person is told before a restriction is lifted (18(3)): first `lifts_on`, a day that is to come,
is written down together with the letter, and only from that day on it can be lifted.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from lineage_store.errors import BadInput
from lineage_store.rights.articles import ENDS, MARKETING, TAKEN_BACK, Right, must_be_ground

TO_BE_ANSWERED = "to be answered"
TO_BE_CORRECTED = "to be corrected"
TO_BE_RESTRICTED = "to be restricted"
TO_BE_WEIGHED = "to be weighed"
RESTRICTED = "restricted"
TO_BE_LIFTED = "to be lifted"
WAITING_FOR_A_FEE = "waiting for a fee"

Fee = Literal["asked", "agreed"]
WAYS = ("post", "e-mail", "telephone", "web", "in person")

_STANDING: Mapping[Right, str] = {
    "access": TO_BE_ANSWERED,
    "portability": TO_BE_ANSWERED,
    "rectification": TO_BE_CORRECTED,
}


@dataclass(frozen=True, kw_only=True)
class Invoked:
    """A right that is invoked, on a ground; one of an earlier unweave is erasure.

    Where it restricts: `since` when it does, whether rows are to be kept out (`keep_rows`) and by
    which run they were (`taken_out`), on which day it is lifted and why. An objection may be
    `upheld`. A `fee` may have been asked for, and agreed to. `way` is the one of
    `WAYS` on which it came, by which its answer goes, also when all that was said is erased.
    """

    right: Right = "erasure"
    ground: str | None = None
    since: str | None = None
    keep_rows: bool = False
    taken_out: str | None = None
    lifts_on: str | None = None
    because: str | None = None
    upheld: bool = False
    fee: Fee | None = None
    way: str | None = None

    @classmethod
    def of(cls, right: str, ground: str | None, *, keep_rows: bool = False) -> "Invoked":
        """Return a right that is invoked now; raises BadInput for what does not go together."""
        known = must_be_ground(right, ground)
        found = cls(right=right, ground=known, keep_rows=keep_rows)  # type: ignore[arg-type]
        if keep_rows and not found.restricts:
            raise BadInput("Rows are kept of a restriction, or of an objection that is weighed.")
        return found

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> "Invoked":
        """Read it back, whatever a newer unweave may have added."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in (stored or {}).items() if name in known})

    def come_by(self, way: str | None) -> "Invoked":
        """Return it with the way that it came, if it is one of `WAYS`: others may name people."""
        known = " ".join((way or "").casefold().split())
        return replace(self, way=known if known in WAYS else None)

    def to_json(self) -> dict[str, Any]:
        """Return it as the queue keeps it: what is as usual is left out."""
        usual = asdict(Invoked())
        return {name: value for name, value in asdict(self).items() if value != usual[name]}

    def is_asked_by(self, other: "Invoked") -> bool:
        """Whether another one asks for the same, of the same people.

        On another ground a restriction ends otherwise, and an objection may not be weighed at all.
        """
        by_ground = self.right in ("restriction", "objection")
        return self.right == other.right and (not by_ground or self.ground == other.ground)

    @property
    def restricts(self) -> bool:
        """Whether it keeps the rows from being processed, for as long as it is open."""
        if self.right == "restriction":
            return True
        return self.right == "objection" and self.ground != MARKETING and not self.upheld

    @property
    def in_effect(self) -> bool:
        """Whether rows are restricted by it, also where it has come to be an erasure."""
        return self.since is not None

    @property
    def wants_out(self) -> bool:
        """Whether the next run is to take the rows out of the models and keep them."""
        return self.in_effect and self.restricts and self.keep_rows and self.taken_out is None

    @property
    def outlives_run(self) -> bool:
        """Whether a run that takes the rows out does not end it: there is more to do."""
        return self.wants_out or self.right == "rectification"

    @property
    def erases(self) -> bool:
        """Whether it is answered by a deletion."""
        return self.right in ("erasure", "withdrawal") or (
            self.right == "objection" and not self.restricts
        )

    @property
    def standing(self) -> str | None:
        """How it stands, where it does not run as a deletion; None where it does."""
        if self.fee == "asked":
            return WAITING_FOR_A_FEE
        if not self.restricts:
            return _STANDING.get(self.right)
        if self.since is None:
            return TO_BE_RESTRICTED
        if self.lifts_on is not None:
            return TO_BE_LIFTED
        return TO_BE_WEIGHED if self.right == "objection" else RESTRICTED

    def with_fee(self) -> "Invoked":
        """Return it as it is once a fee is asked for; BadInput where there is nothing to wait for.

        What restricts data is done already, and who has agreed is asked no more.
        """
        if self.fee is not None:
            raise BadInput(f"A fee is {self.fee} already.")
        if self.in_effect or self.taken_out is not None:
            raise BadInput("It is begun: a fee is asked for before anything is done (12(5)(a)).")
        return replace(self, fee="asked")

    def with_fee_agreed(self) -> "Invoked":
        """Return it as it is once the person agreed to the fee; raises BadInput for none."""
        if self.fee != "asked":
            raise BadInput("No fee is asked for that could be agreed to.")
        return replace(self, fee="agreed")

    def restricted(self, *, since: str) -> "Invoked":
        """Return it as it is once the rows are restricted."""
        return replace(self, since=self.since or since)

    def keeping_rows(self) -> "Invoked":
        """Return it as it is once rows are to be kept out; raises BadInput if they cannot be."""
        if not (self.restricts and self.in_effect):
            raise BadInput("Rows are taken out and kept of those alone who are restricted.")
        if self.taken_out is not None:
            raise BadInput(f"The rows were taken out and kept by {self.taken_out}.")
        return replace(self, keep_rows=True)

    def announced(self, *, because: str, on: str, today: str) -> "Invoked":
        """Return it as it is once the person was told that it will be lifted (Article 18(3)).

        Raises BadInput for a day that is not to come, or an end that its ground does not have.
        """
        if not (self.restricts and self.in_effect):
            raise BadInput("It restricts nothing: there is nothing to lift.")
        ends = (*ENDS[self.ground or ""], TAKEN_BACK)
        if because not in ends:
            raise BadInput(f"What ends it on the ground {self.ground} is {', '.join(ends)}.")
        if on <= today:
            raise BadInput(
                "The person is told before a restriction is lifted (Article 18(3)): name a day "
                "that is to come."
            )
        return replace(self, because=because, lifts_on=on)

    def must_be_liftable(self, *, today: str) -> None:
        """Raise BadInput unless the person was told, and the day has come."""
        if self.lifts_on is None:
            raise BadInput(
                "The person is told before a restriction is lifted (Article 18(3)): see "
                "`unweave request announce-lift`."
            )
        if today < self.lifts_on:
            raise BadInput(f"It was told that it is lifted on {self.lifts_on}: lift it then.")

    def weighed_for_them(self) -> "Invoked":
        """Return an objection as it is once it was upheld; raises BadInput for what is none."""
        if self.right != "objection" or not self.restricts:
            raise BadInput("It is no objection that is to be weighed.")
        return replace(self, upheld=True, keep_rows=False, lifts_on=None, because=None)


ERASURE = Invoked()

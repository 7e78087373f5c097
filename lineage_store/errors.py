"""The named errors of unweave.

Each message is one sentence for the person at the keyboard: what happened, where, and what to do.
The class carries the exit status of the command line, so that no caller has to translate.
"""

from collections.abc import Mapping
from typing import Any


class UnweaveError(Exception):
    """The base of every error that unweave raises on purpose."""

    exit_status = 2


class BadInput(UnweaveError):
    """Something given by the user (a file, a column, an option, a module) does not fit."""


class OnHold(BadInput):
    """A legal hold is on what was named: nobody may forget it meanwhile."""


class NothingToLearn(BadInput):
    """The rows that there are leave no task: none at all, or a label with one value."""


class WorkspaceBusy(UnweaveError):
    """Another command is writing to the workspace: the same command may be tried again."""

    exit_status = 75  # EX_TEMPFAIL of sysexits.h


class Unfinished(UnweaveError):
    """A deletion was interrupted and must be finished before anything else is written."""


class DiskFull(UnweaveError):
    """There is no room left to finish; what was begun has been taken away again."""


class ShardsLost(UnweaveError):
    """Workers that trained shards ended again and again without finishing."""


class MetadataUnavailable(UnweaveError):
    """ML Metadata's server cannot be reached, refuses, or was lost on the way."""


class MetadataLost(UnweaveError):
    """ML Metadata is there, or was, but lacks what this workspace has put into it."""


class NotRecorded(UnweaveError):
    """A run has done what it should, and ML Metadata does not say so yet."""


class NotReproducible(UnweaveError):
    """The model or this process cannot give the same bits twice."""


class MissingVerdict(UnweaveError):
    """A descendant of the deleted rows has no verdict, so nothing was changed."""


class CheckFailed(UnweaveError):
    """A verification ran and did not hold."""

    exit_status = 1


class Damaged(CheckFailed, ValueError):
    """A file of unweave's own is not as it was written: cut off, changed, or of something else."""


class FileGone(Damaged, FileNotFoundError):
    """A file of unweave's own is not there any more."""


class LeftAsItIs(CheckFailed):
    """A plan leaves something that learnt from deleted rows as it is, so nothing was changed."""


class ResidueFound(CheckFailed):
    """Files still hold something of deleted rows; the message names files, as their owner did."""


class NothingFound(UnweaveError):
    """What was asked for is not here; this is an answer, not a malfunction."""

    exit_status = 3


class AlreadyForgotten(NothingFound):
    """Who was asked for is known to have been forgotten, and has no row."""


class SpelledOtherwise(NothingFound):
    """Nothing is here under the spelling given, and there may be something under others.

    `fields` are what the answer says of them; `spellings`, by number, are for a terminal alone.
    """

    def __init__(
        self, message: str, *, fields: Mapping[str, Any], spellings: Mapping[int, str]
    ) -> None:
        super().__init__(message)
        self.fields, self.spellings = fields, spellings

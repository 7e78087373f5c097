"""The project's own SQLite file, one file of code for each kind of record in it.

database       opened, to write or to read
models         the registry of models
deletions      deletion runs and the exclusion manifest
manifest       who and what a training keeps out, and of whom a model cannot know
readmission    who was forgotten agrees anew
queue          requests that wait; `queue_changes` what people do to them
certified      whose certificate is whose
row_index      which rows a subject has in which snapshot
descent        which models were trained from which
failures       why runs failed
from_log       what the event log says of models and deletions
signed_log     appends to it: what is logged together is committed and signed together
disk_sort      sorts more keys than fit into memory
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.index.asked_today import count_asked
    from lineage_store.index.certified import (
        Certified,
        certified_for,
        keep_answered,
        keep_certified,
        runs_of_people,
    )
    from lineage_store.index.database import (
        compact,
        open_index,
        read_index,
        reading_index,
        still_read,
        writing_index,
    )
    from lineage_store.index.deletions import Request, all_requests, must_be_none_running
    from lineage_store.index.descent import (
        Outline,
        base_of,
        families_from,
        lines_trained_with,
        outlines,
        reached,
    )
    from lineage_store.index.failures import record_failure
    from lineage_store.index.from_log import (
        Logged,
        LoggedDeletion,
        LoggedModel,
        check_log,
        read_logged,
    )
    from lineage_store.index.queue import Queued, all_queued
    from lineage_store.index.readmission import lift
    from lineage_store.index.row_index import IndexedRows, rows_by_key, rows_of_subject
    from lineage_store.index.signed_log import (
        events_to_be_signed,
        log_size,
        logging_events,
        sign_log,
    )
else:
    __getattr__ = lazily(
        __name__,
        {
            "asked_today": ("count_asked",),
            "certified": (
                "Certified",
                "certified_for",
                "keep_answered",
                "keep_answered",
                "keep_certified",
                "runs_of_people",
            ),
            "database": (
                "compact",
                "open_index",
                "read_index",
                "reading_index",
                "still_read",
                "writing_index",
            ),
            "deletions": ("Request", "all_requests", "must_be_none_running"),
            "descent": (
                "Outline",
                "base_of",
                "families_from",
                "lines_trained_with",
                "outlines",
                "reached",
            ),
            "failures": ("record_failure",),
            "from_log": ("Logged", "LoggedDeletion", "LoggedModel", "check_log", "read_logged"),
            "queue": ("Queued", "all_queued"),
            "readmission": ("lift",),
            "row_index": ("IndexedRows", "rows_by_key", "rows_of_subject"),
            "signed_log": ("events_to_be_signed", "log_size", "logging_events", "sign_log"),
        },
    )

__all__ = [
    "Certified",
    "IndexedRows",
    "Logged",
    "LoggedDeletion",
    "LoggedModel",
    "Outline",
    "Queued",
    "Request",
    "all_queued",
    "all_requests",
    "base_of",
    "certified_for",
    "check_log",
    "compact",
    "count_asked",
    "deletions",
    "events_to_be_signed",
    "families_from",
    "keep_answered",
    "keep_certified",
    "lift",
    "lines_trained_with",
    "log_size",
    "logging_events",
    "manifest",
    "models",
    "must_be_none_running",
    "open_index",
    "outlines",
    "queue",
    "queue_changes",
    "reached",
    "read_index",
    "read_logged",
    "reading_index",
    "record_failure",
    "row_index",
    "rows_by_key",
    "rows_of_subject",
    "runs_of_people",
    "sign_log",
    "still_read",
    "writing_index",
]

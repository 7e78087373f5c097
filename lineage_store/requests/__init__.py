"""What a request says, where it comes from, and the rules it waits under.

details     ids, names and free text, sealed
inbox       request files that others drop into a folder
policy      the workspace's own rules of the queue
controller  who answers for the data
law         the rules of time, and the holidays
detection   what a scheduled search for poisoned rows is to do
staff       who did what, by number and sealed name
sealed_file  a file that only the workspace's key reads
kept_rows   rows of a restriction, sealed, out of all models
letters     letters and files of requests, sealed, and for how long
queue_pages  the queue, a page at a time
register    what is kept of requests that are over, and for how long
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.requests.controller import (
        OF_ACCESS,
        OF_LETTERS,
        Controller,
        load_controller,
        save_controller,
    )
    from lineage_store.requests.details import Details, NearMatch, open_details
    from lineage_store.requests.detection import Search, load_search
    from lineage_store.requests.inbox import Accepted, Entry, Refused, look_through
    from lineage_store.requests.kept_rows import (
        KeptRow,
        all_kept,
        destroy_kept,
        is_kept,
        keep_rows,
        rows_kept_of,
    )
    from lineage_store.requests.law import Law, law_in_force, take_over
    from lineage_store.requests.letters import (
        A_FILE,
        KeptLetter,
        are_over,
        end_letters,
        keep_letter,
        kept_letters,
        open_letter,
        sent_on,
    )
    from lineage_store.requests.policy import Policy, Sender, date_of, load_policy, save_policy
    from lineage_store.requests.queue_pages import (
        After,
        last_ordinal,
        newer_than,
        open_page,
        over_page,
    )
    from lineage_store.requests.register import end_register, has_ended, years_before
    from lineage_store.requests.staff import name_of, number_of
else:
    __getattr__ = lazily(
        __name__,
        {
            "controller": (
                "Controller",
                "OF_ACCESS",
                "OF_LETTERS",
                "load_controller",
                "save_controller",
            ),
            "details": ("Details", "NearMatch", "open_details"),
            "detection": ("Search", "load_search"),
            "inbox": ("Accepted", "Entry", "Refused", "look_through"),
            "kept_rows": (
                "KeptRow",
                "all_kept",
                "destroy_kept",
                "is_kept",
                "keep_rows",
                "rows_kept_of",
            ),
            "law": ("Law", "law_in_force", "take_over"),
            "letters": (
                "A_FILE",
                "KeptLetter",
                "are_over",
                "end_letters",
                "keep_letter",
                "kept_letters",
                "open_letter",
                "sent_on",
            ),
            "policy": ("Policy", "Sender", "date_of", "load_policy", "save_policy"),
            "queue_pages": ("After", "last_ordinal", "newer_than", "open_page", "over_page"),
            "register": ("end_register", "has_ended", "years_before"),
            "staff": ("name_of", "number_of"),
        },
    )

__all__ = [
    "A_FILE",
    "OF_ACCESS",
    "OF_LETTERS",
    "Accepted",
    "After",
    "Controller",
    "Details",
    "Entry",
    "KeptLetter",
    "KeptRow",
    "Law",
    "NearMatch",
    "Policy",
    "Refused",
    "Search",
    "Sender",
    "all_kept",
    "are_over",
    "date_of",
    "destroy_kept",
    "end_letters",
    "end_register",
    "has_ended",
    "is_kept",
    "keep_letter",
    "keep_rows",
    "kept_letters",
    "last_ordinal",
    "law_in_force",
    "load_controller",
    "load_policy",
    "load_search",
    "look_through",
    "name_of",
    "newer_than",
    "number_of",
    "open_details",
    "open_letter",
    "open_page",
    "over_page",
    "rows_kept_of",
    "save_controller",
    "save_policy",
    "sent_on",
    "take_over",
    "years_before",
]

"""The one folder that holds everything a project's models were made from.

folder            the paths in it, and the lock of whoever writes
metadata_address  where its MLMD lives: a file of its own, or a server
metadata_file     whether MLMD can read a file of its own
while_reading     temporary files of commands that only read
passwords         from the environment or from a file of their owner's
request_folder    the files of a deletion request
for_the_desk      opened by the desk, with the two keys that it has
audited           when it was audited last
at_work           who is at work in it, and how far it has come
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.workspace.at_work import AtWork, who_works, working
    from lineage_store.workspace.audited import LastAudit, keep_last_audit, last_audit
    from lineage_store.workspace.folder import Workspace, is_loose, open_workspace, writing
    from lineage_store.workspace.for_the_desk import DeskWorkspace, open_for_the_desk
    from lineage_store.workspace.metadata_address import Connection, parse_connection, password_from
    from lineage_store.workspace.passwords import password_in
    from lineage_store.workspace.request_folder import RequestFolder
    from lineage_store.workspace.while_reading import reading_folder
else:
    __getattr__ = lazily(
        __name__,
        {
            "at_work": ("AtWork", "who_works", "working"),
            "audited": ("LastAudit", "keep_last_audit", "last_audit"),
            "folder": ("Workspace", "is_loose", "open_workspace", "writing"),
            "for_the_desk": ("DeskWorkspace", "open_for_the_desk"),
            "metadata_address": ("Connection", "parse_connection", "password_from"),
            "passwords": ("password_in",),
            "while_reading": ("reading_folder",),
            "request_folder": ("RequestFolder",),
        },
    )

__all__ = [
    "AtWork",
    "Connection",
    "DeskWorkspace",
    "LastAudit",
    "RequestFolder",
    "Workspace",
    "is_loose",
    "keep_last_audit",
    "last_audit",
    "open_for_the_desk",
    "open_workspace",
    "parse_connection",
    "password_from",
    "password_in",
    "reading_folder",
    "who_works",
    "working",
    "writing",
]

"""What is done to a restriction or an objection: rows kept, weighed, its end announced, lifted."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lineage_store.canonical import write_atomic
from lineage_store.errors import BadInput
from lineage_store.index import (
    Queued,
    deletions,
    lift,
    manifest,
    models,
    queue,
    queue_changes,
    still_read,
)
from lineage_store.keys import entries_of_ids
from lineage_store.log import LogConnection
from lineage_store.requests import Details, KeptRow, date_of, destroy_kept, is_kept, rows_kept_of
from lineage_store.workspace import Workspace
from unweave.desk.answer_pack import letter_about, new_folder, told, write_letter
from unweave.desk.answering import Answering
from unweave.desk.what_is_told import facts_of, proofs_of, with_reason
from unweave.session.forget_options import must_be_text

Answer = dict[str, Any]


class RightsInHand(Answering):
    """The requests of one workspace that restrict data, or correct them."""

    def keep_rows(self, request: str, *, by: str | None = None) -> Answer:
        """Have the next run take the rows of a restriction out of the models, and keep them sealed.

        They can be put back when it is lifted. Raises BadInput for what restricts nothing.
        """
        with self._at.changing() as (workspace, connection):
            staff, time = self._at.staff(workspace, connection, by), self._at.session.time
            queue_changes.keep_rows(
                connection, queue.find(connection, request), time=time, by=staff
            )
            return self._at.told(workspace, connection, queue.find(connection, request))

    def uphold(self, request: str, *, by: str | None = None) -> Answer:
        """Uphold an objection: what it names is erased by the next run (Article 17(1)(c)).

        Rows that were kept of it are destroyed at once.
        """
        with self._at.changing() as (workspace, connection):
            staff, time = self._at.staff(workspace, connection, by), self._at.session.time
            queue_changes.uphold(connection, queue.find(connection, request), time=time, by=staff)
            answer = self._at.told(workspace, connection, queue.find(connection, request))
        destroy_kept(self._at.session.workspace(), request)
        return answer

    def announce_lift(
        self,
        request: str,
        *,
        because: str,
        on: str,
        out: Path | str,
        reason: str | None = None,
        to: str | None = None,
        language: str = "en",
        by: str | None = None,
    ) -> Answer:
        """Write the letter that tells of the end of a restriction, before that comes (18(3)).

        `because` is one of the ends that its ground has, `on` a day that is to come. An objection
        that is overridden takes a `reason`, which stands in the letter, and nowhere else.
        """
        must_be_text([reason])
        session, day = self._at.session, date_of(on, "The day on which it is lifted")
        with session.reading() as (workspace, connection):
            found, details = self._at.opened(workspace, connection, request)
            queue_changes.must_not_be_on_hold(found, today=session.today)
            announced = found.invoked.announced(because=because, on=day, today=session.today)
            if because == "overridden" and not (reason or "").strip():
                raise BadInput("An objection that is overridden names its reason (Article 12(4)).")
            proofs = proofs_of(connection, workspace, found, today=session.today)
            told_of = replace(found, invoked=announced)
            facts = with_reason(
                facts_of(workspace, told_of, details, proofs, to=to, today=session.today), reason
            )
        letter = letter_about(workspace, "to-be-lifted", facts, language=language)
        with new_folder(Path(out), workspace) as folder:
            sent = write_letter(folder, letter, facts)
            with self._at.changing() as (_, log):
                queue_changes.announce_lifting(
                    log,
                    queue.find(log, request),
                    because=because,
                    on=day,
                    time=session.time,
                    by=self._at.staff(workspace, log, by),
                )
                number = self._at.keep_letter(workspace, log, request, letter)
                state = queue.find(log, request).state(session.today)
        answer = told(Path(out), letter.kind, sent) | {"request": request, "state": state}
        return answer | {"number": number}

    def lift(
        self,
        request: str,
        *,
        put_back: Path | str | None = None,
        beside: Path | str | None = None,
        accept_lost: bool = False,
        by: str | None = None,
    ) -> Answer:
        """Lift a restriction on the day of which the person was told, or later.

        Rows that were kept are written to a new file to be trained on, `put_back` (those of further
        tables beside it, `put_back_too`), with the columns of the CSV file that they are to be
        trained on `beside`, in its order, and destroyed here; who is restricted by nobody else may
        be trained on again. Raises BadInput before that day, where rows are kept and no file is
        named, and where they are gone, unless it is told to `accept_lost`.
        """
        session = self._at.session
        with self._at.changing() as (workspace, connection):
            found, details = self._at.opened(workspace, connection, request)
            found.invoked.must_be_liftable(today=session.today)
            queue_changes.must_not_be_on_hold(found, today=session.today)
            rows: Sequence[KeptRow] = ()
            if found.invoked.taken_out and not (accept_lost and not is_kept(workspace, request)):
                rows = rows_kept_of(workspace, request)
            if rows and put_back is None:
                raise BadInput(
                    f"The request {found.id} keeps rows: name a file to put them back into, to be "
                    f"trained on, with `put_back`."
                )
            answer: Answer = {}
            if rows and put_back is not None:
                like = () if beside is None else _first_line(Path(beside))
                by_row = found.kind == "row"
                answer = _put_back(
                    connection, workspace, rows, Path(put_back), like=like, by_row=by_row
                )
            self._let_in(workspace, connection, found, details)
            staff = self._at.staff(workspace, connection, by)
            queue_changes.lift(connection, found, time=session.time, by=staff)
            answer |= self._at.told(workspace, connection, queue.find(connection, request))
        destroy_kept(workspace, request)
        answer["warnings"] += still_read(workspace.index_file)
        return answer

    def _let_in(
        self, workspace: Workspace, connection: LogConnection, found: Queued, details: Details
    ) -> None:
        """Lift the entries of the manifest that the run which kept the rows has made."""
        run = found.invoked.taken_out
        if run is None:
            return
        entries = entries_of_ids(workspace.keys(), details.ids, rows=found.kind == "row")
        of_run = [
            names
            for names in entries
            if (known := deletions.exclusion(connection, *names)) is not None
            and known.request == run
        ]
        if of_run:
            lift(connection, of_run, time=self._at.session.time)

    def take_effect(self) -> None:
        """Restrict what waits for that alone: after a hold that passed by itself, say."""
        from pipelines.runs import restrict_waiting

        restrict_waiting(self._at.session.workspace(), time=self._at.session.time)


def _put_back(
    connection: LogConnection,
    workspace: Workspace,
    rows: Sequence[KeptRow],
    out: Path,
    *,
    like: Sequence[str],
    by_row: bool,
) -> Answer:
    """Write rows that were kept to CSV files, as the data of the newest of their models had them.

    Rows of another table, or that the newest model did not have, go to a file of their own beside
    it, named for the model that had them. A row that is somebody else's, too, is left out: whose,
    nobody knows here. So is one without a label, of which there are no values, and one that was
    named by its own id (`by_row`) and of which it is not known whose it is. Raises BadInput for a
    file that is there and says something else, and where no table has the columns that `like` has.
    """
    if out.resolve().is_relative_to(workspace.root):
        raise BadInput("The file does not lie in the workspace, where a training reads it as its "
                       "source: name one outside of it.")  # fmt: skip
    files: dict[Path, bytes] = {}
    written, left = set[tuple[tuple[str, ...], str]](), set[str]()
    for model in sorted({one.model for one in rows}, key=_number, reverse=True):
        here = [one for one in rows if one.model == model]
        columns = manifest.columns_of(models.find_model(connection, model))
        subjects = () if columns is None else columns.subjects
        of_nobody = by_row and bool(subjects)
        whole = []
        for one in here:
            known = (tuple(one.values or ()), one.row_key)
            if one.joint or one.values is None or (of_nobody and one.subject is None):
                left.add(one.row_key)
            elif known not in written:
                written.add(known)
                who = one.subject if by_row else one.id
                named: dict[str, str | None] = dict.fromkeys(subjects[:1], who)
                if by_row and columns is not None and columns.row_id is not None:
                    named[columns.row_id] = one.id
                whole.append({**named, **one.values})
        if whole or not files:
            file = out.with_stem(f"{out.stem}-{model}") if files else out
            files[file] = _csv(whole, subjects, like)
    if like and not any(data.startswith(_line(like)) for data in files.values()):
        raise BadInput("The table that `beside` names has not all columns of the rows that are put "
                       "back: name the one that they were of.")  # fmt: skip
    for file, data in files.items():
        if file.exists() and not (file.is_file() and file.read_bytes() == data):
            raise BadInput(f"The file {file} is there already: name a new one to put rows back.")
    try:
        for file, data in files.items():
            write_atomic(file, data)
    except OSError as error:
        raise BadInput(f"The file {out} cannot be written: {error.strerror}.") from error
    told = {"put_back": str(out), "rows": len(written), "rows_left_out": len(left)}
    also = [str(file) for file in files if file != out]
    return told | ({"put_back_too": also} if also else {})


def _csv(
    rows: Sequence[dict[str, str | None]], subjects: Sequence[str], like: Sequence[str]
) -> bytes:
    names = [*subjects, *dict.fromkeys(name for one in rows for name in one)]
    text = io.StringIO(newline="")
    fit = like if set(like).issuperset(names) else list(dict.fromkeys(names))
    writer = csv.DictWriter(text, fit, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _line(names: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(names)
    return text.getvalue().encode("utf-8")


def _first_line(table: Path) -> Sequence[str]:
    """Return the names of a CSV file's columns; raises BadInput if it cannot be read."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            return next(csv.reader(stream), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"The table {table} cannot be read as CSV.") from error


def _number(model: str) -> int:
    return int(model.removeprefix("m"))

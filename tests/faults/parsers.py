"""What the fuzzer changes and what reads it: tables and letters' templates."""

import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from pyarrow.feather import write_feather

from lineage_store.errors import BadInput
from lineage_store.requests import Controller
from lineage_store.sources import open_source, records_of
from lineage_store.sources.database_query import DatabaseQuery
from tests.tf_records import example, record
from tests.unlearning.erasure.test_planted import in_database
from unweave.letters.catalogue import letter_in
from unweave.letters.facts import Facts


@dataclass(frozen=True)
class Parser:
    """What is changed, and what reads it: `check` raises what nobody foresaw, and nothing else.

    `costly` ones take long for an example.
    """

    given: bytes
    check: Callable[[bytes], None]
    as_json: bool = False
    costly: bool = False


def tables(here):
    """Tables of each kind, changed; a record of a TFRecord with the sum it needs."""
    table = pa.table(
        {
            "a": ["x", "y", None] * 5,
            "b": range(15),
            "c": [b / 7 for b in range(15)],
            "d": [[b, 1] for b in range(15)],
        }
    )
    arrays = {"x": np.arange(12, dtype=np.float32).reshape(3, 4), "y": np.array(["a", "b", "c"])}

    def in_bytes(write):
        stream = io.BytesIO()
        write(stream)
        return stream.getvalue()

    def streamed(stream):
        with pa.ipc.new_stream(stream, table.schema) as writer:
            writer.write_table(table)

    def read(name, *, given=None, wrap=bytes):
        def check(data):
            (here / name).write_bytes(wrap(data))
            with suppress(BadInput):
                source = open_source(here / name if given is None else given)
                source.columns(), source.kinds(), list(records_of(source))

        return check

    query = DatabaseQuery(f"sqlite:///{here / 't.db'}", "select name, rootpage from sqlite_master")
    pictures = here / "pictures"
    (pictures / "class").mkdir(parents=True)
    csv_file = 'a;b;"c d"\nx;1,5;"[1, 2]"\ny;-2;"[3,\n4]"\n;"NA";[]\n'.encode("cp1252") * 9
    zipped = in_bytes(lambda s: _zip(s, csv_file))
    return {
        "CSV": Parser(csv_file, read("t.csv")),
        "CSV, quoted": Parser(b'id,"a, b"\r\n1,"x ""y"""\r\n2,\r\n' * 5, read("u.csv")),
        "CSV, in UTF-16": Parser("a\tb\n\u00e9\t1\n".encode("utf-16") * 3, read("v.tsv")),
        "gzip": Parser(gzip.compress(csv_file), read("t.csv.gz")),
        "xz": Parser(lzma.compress(csv_file), read("t.csv.xz")),
        "zip": Parser(zipped, read("t.zip")),
        "Parquet": Parser(in_bytes(lambda s: pq.write_table(table, s)), read("t.parquet")),
        "Feather": Parser(in_bytes(lambda s: write_feather(table, s)), read("t.feather")),
        "stream": Parser(in_bytes(streamed), read("t.arrows")),
        "NPY": Parser(in_bytes(lambda s: np.save(s, arrays["x"])), read("t.npy")),
        "NPZ": Parser(in_bytes(lambda s: np.savez(s, **arrays)), read("t.npz")),
        "TFRecord": Parser(record(example({"a": ["x"], "b": [1]})) * 3, read("t.tfrecord")),
        "tf.Example": Parser(
            example({"a": ["x"], "b": [1], "c": [0.5, 2.0]}),
            read("u.tfrecord", wrap=lambda data: record(data) * 2),
        ),
        "picture": Parser(
            in_bytes(lambda s: Image.new("RGB", (3, 2)).save(s, "PNG")),
            read("pictures/class/a.png", given=pictures),
        ),
        "database": Parser(in_database(b"text", b"x"), read("t.db", given=query)),
    }


def _zip(stream, data):
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("t.csv", data)


def refused_or_read(read):
    with suppress(BadInput):
        read()


def letter(here):
    """A template of one's own, changed: what it does stays in its sandbox, and its faults too."""
    folder = here / "letters" / "en"
    folder.mkdir(parents=True)
    day = date(2031, 5, 17)
    facts = Facts(
        request="q1", to="Dora Ost", today=day, received=day, due=day, first_due=day,
        regime="gdpr", controller=Controller(),
    )  # fmt: skip
    text = (
        b"About {{ facts.request }}\n\n{% if facts.late %}Late.{% else %}{{ facts.due|day }}"
        b"{% endif %}\n{% for one in facts.proven %}{{ one.rows }}{% endfor %}\n"
    )

    def check(data):
        (folder / "received.j2").write_bytes(data)
        with suppress(BadInput):
            letter_in("en", "received", facts, own=here / "letters").page()

    return Parser(text, check)

"""Tables for people lose nothing, however narrow the terminal is."""

import io
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from unweave.text.console import ConsoleForPeople, table_of

CELLS = st.text(st.sampled_from("abcdefghijklm0123456789.-:, "), max_size=60)


def shown(names, rows, width):
    table = table_of(*names)
    for row in rows:
        table.add_row(*row)
    out = io.StringIO()
    ConsoleForPeople(file=out, width=width, highlight=False).print(table)
    return out.getvalue()


@given(
    rows=st.lists(st.tuples(*[CELLS] * 4), min_size=1, max_size=4),
    width=st.sampled_from([40, 60, 80]),
)
def test_every_sign_of_every_cell_is_shown_at_any_width(rows, width):
    names = ("request", "due", "state", "what to do")
    text = shown(names, rows, width)
    wanted = Counter("".join([*names, *(cell for row in rows for cell in row)]))
    for sign in wanted.keys() - {" "}:
        assert text.count(sign) == wanted[sign], (sign, text)
    assert all(len(line.rstrip()) <= width for line in text.splitlines())

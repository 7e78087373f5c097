"""Changes of what was written, for a fuzzer: of its bytes, and of values in its JSON."""

import json

from hypothesis import strategies as st

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 3), st.floats(), st.text(max_size=3),
    st.sampled_from([10**30, "\ud800", "\x1b[2J", "9" * 5000, [], {}, [[]], [None], {"": 0}, ""]),
)  # fmt: skip
ODD_BYTES = [b"\x00" * 9, b"\xff" * 9, b"\n", b'"', b"}", b"[" * 3000, b"1e999"]


@st.composite
def other_bytes(draw, data):
    """Bytes that are changed at some places: another byte, a cut, a repetition, something odd."""
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 9))
        put = draw(
            st.one_of(
                st.just(b""),
                st.binary(max_size=9),
                st.just(data[place : place + 40] * 2),
                st.sampled_from(
                    [b"\x00" * 9, b"\xff" * 9, b"\n", b'"', b"}", b"[" * 3000, b"1e999"]
                ),
            )
        )
        cut = draw(st.sampled_from([length, length, length, len(data)]))
        data = data[:place] + put + data[place + cut :]
    return data


@st.composite
def other_values(draw, value):
    """JSON of which a value is another, is gone, or stands beside one that was not there."""
    if isinstance(value, dict | list) and value and draw(st.integers(0, 9)):
        keys = sorted(value) if isinstance(value, dict) else range(len(value))
        key = draw(st.sampled_from(keys))
        if not draw(st.integers(0, 7)):
            return [one for at, one in enumerate(value) if at != key] if isinstance(
                value, list
            ) else {name: one for name, one in value.items() if name != key}  # fmt: skip
        changed = draw(other_values(value[key]))
        if isinstance(value, list):
            return [*value[:key], changed, *value[key + 1 :]]
        return {**value, key: changed}
    if isinstance(value, dict) and draw(st.booleans()):
        return {**value, draw(st.text(max_size=3)): draw(ODD)}
    return draw(ODD)


def changes(data, *, as_json):
    """Changes of some bytes: of JSON, most are of values."""
    if not as_json:
        return other_bytes(data)
    written = other_values(json.loads(data)).map(lambda value: json.dumps(value).encode())
    return st.one_of(written, written, other_bytes(data))

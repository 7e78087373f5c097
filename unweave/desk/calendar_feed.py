"""The days on which open requests are due, as a calendar that others subscribe to (RFC 5545).

A request is named by its number, and nobody by anything: the file may lie where the programs of
colleagues read it. Each day has an alarm a week and a day before.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

ALARMS = (7, 1)  # days before
OCTETS = 75  # of a line, without its end


def calendar_feed(requests: Sequence[dict[str, Any]], *, key_id: str, time: str) -> bytes:
    """Return the calendar of requests, as `list` tells them; `key_id` makes their names unique."""
    stamp = datetime.fromisoformat(time).astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//unweave//requests//EN"]
    for one in requests:
        lines += _event(one, key_id=key_id, stamp=stamp)
    lines.append("END:VCALENDAR")
    return b"".join(piece for line in lines for piece in _folded(line))


def _event(one: dict[str, Any], *, key_id: str, stamp: str) -> Iterator[str]:
    due = date.fromisoformat(one["deadline"])
    yield "BEGIN:VEVENT"
    yield f"UID:{one['request']}-{key_id}@unweave"
    yield f"DTSTAMP:{stamp}"
    yield f"DTSTART;VALUE=DATE:{due:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{due + timedelta(days=1):%Y%m%d}"
    late = ", late" if one["late"] or one["overdue"] else ""
    yield f"SUMMARY:{_escaped(one['request'] + ' is due (' + one['state'] + late + ')')}"
    yield "TRANSP:TRANSPARENT"
    for days in ALARMS:
        yield "BEGIN:VALARM"
        yield "ACTION:DISPLAY"
        yield f"DESCRIPTION:{_escaped(one['request'] + ' is due')}"
        yield f"TRIGGER:-P{days}D"
        yield "END:VALARM"
    yield "END:VEVENT"


def _escaped(text: str) -> str:
    for one in ("\\", ";", ","):
        text = text.replace(one, f"\\{one}")
    return text.replace("\n", "\\n")


def _folded(line: str) -> Iterator[bytes]:
    """Yield a line in pieces of 75 octets at most, those after the first behind a blank."""
    data, room = line.encode("utf-8"), OCTETS
    while len(data) > room:
        cut = room
        while data[cut] & 0xC0 == 0x80:  # within a letter
            cut -= 1
        yield data[:cut] + b"\r\n "
        data, room = data[cut:], OCTETS - 1
    yield data + b"\r\n"

"""Numbers, sizes and times as people write them, in English and in UTC."""

from datetime import datetime, timezone


def size(number: float) -> str:
    """Return a number of bytes in the unit that suits it."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:,.0f} {unit}" if number >= 10 or unit == "bytes" else f"{number:.1f} {unit}"


def moment(text: str) -> str:
    """Return a time in ISO 8601 as people write it, in UTC."""
    time = datetime.fromisoformat(text).astimezone(timezone.utc)
    return f"{day(time.date().isoformat())}, {time:%H:%M} UTC"


def day(text: str) -> str:
    """Return a date in ISO 8601 as people write it."""
    date = datetime.fromisoformat(text)
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip

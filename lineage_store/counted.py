"""Numbers and their nouns agree, wherever people read them: 1 row, 2 rows, 1,204 batches."""


def counted(number: int, one: str, more: str | None = None) -> str:
    """Return a number with its noun, of which `more` is the plural where an s does not make it."""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"


def of_them(number: int, of: int, one: str, more: str | None = None) -> str:
    """Return a number out of another, whose noun it is: 1 of 2 steps."""
    return f"{number:,} of {counted(of, one, more)}"

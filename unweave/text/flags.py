"""What an option is called at the command line: `early_stop` is `--early-stop` there.

All other code names an option as Python does, in backticks: in errors, in warnings, in help texts.
Here alone such names become flags, those of options that there are; whatever else stands in
backticks stays as it is.
"""

import re
from collections.abc import Mapping
from typing import Any

# The sentences in an answer: errors of runs and of files, reasons, findings, warnings.
SENTENCES = ("error", "message", "why", "what", "warnings")


def in_flags(message: str, flags: Mapping[str, str]) -> str:
    """Return a message with the flag of each option that it names in backticks."""
    return re.sub(r"`([a-z_]+)`", lambda found: flags.get(found[1], found[0]), message)


def answer_in_flags(answer: Any, flags: Mapping[str, str]) -> Any:
    """Return an answer with flags in its sentences, and all else as it is."""
    if isinstance(answer, list | tuple):
        return [answer_in_flags(one, flags) for one in answer]
    if not isinstance(answer, dict):
        return answer
    return {
        name: _sentence(one, flags) if name in SENTENCES else answer_in_flags(one, flags)
        for name, one in answer.items()
    }


def _sentence(value: Any, flags: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return in_flags(value, flags)
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return [in_flags(one, flags) for one in value]
    return answer_in_flags(value, flags)

"""What an option is called at the command line: `early_stop` is `--early-stop` there.

Below the command line errors and help texts name an option as Python does, in backticks, and here
alone they are translated.
"""

import re

CALLED_OTHERWISE = {
    "model_family": "--family",
    "label": "--label-column",
    "subject": "--subject-column",
    "row_id": "--row-id-column",
    "drop": "--drop-columns",
    "base": "--from",
    "risk_rules": "--risk-rule",
}


def flag(name: str) -> str:
    """Return the flag of an option, from its name in Python."""
    return CALLED_OTHERWISE.get(name) or f"--{name.replace('_', '-')}"


def in_flags(message: str) -> str:
    """Return a message with the flag of each option that it names in backticks."""
    return re.sub(r"`([a-z]+(?:_[a-z]+)*)`", lambda found: flag(found[1]), message)

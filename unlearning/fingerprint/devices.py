"""What computes: the processor, or one graphics card of NVIDIA's where `device` says so.

No card is used that was not asked for. Where one is, it belongs to the environment: its name and
compute capability, the driver, the packages of CUDA and cuDNN that TensorFlow loads, and that TF32,
which rounds what is multiplied, is off. All of it is read without TensorFlow, so that a plan can
compare it. What cannot be read is refused: cards that differ, of which TensorFlow would choose one,
and libraries of CUDA that no package of Python says the version of.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lineage_store.errors import BadInput
from unlearning.fingerprint.determinism import CARD, pin_tensorflow
from unlearning.fingerprint.environment import as_recorded

ASKED = ("nvidia-smi", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader")
LIBRARIES = ("nvidia-cuda-runtime-", "nvidia-cudnn-")
VARIABLES = re.compile(r"(CUDA|CUDNN|CUBLAS|NVIDIA)_\w+", re.ASCII)
WHICH_CARD = re.compile(r"(CUDA|NVIDIA)_(VISIBLE_DEVICES|DEVICE_ORDER)", re.ASCII)


@dataclass(frozen=True)
class Card:
    """A graphics card as its driver names it, the driver's version included."""

    name: str
    capability: str
    driver: str


def cards_in(output: str) -> tuple[Card, ...]:
    """Read what `nvidia-smi` says of the cards, a line each; what is no such line is none."""
    fields = [[part.strip() for part in line.split(",")] for line in output.splitlines()]
    return tuple(Card(*three) for three in fields if len(three) == 3)


def cards() -> tuple[Card, ...]:
    """Return the graphics cards of this machine; none where NVIDIA's driver is not installed."""
    try:
        done = subprocess.run(ASKED, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return cards_in(done.stdout) if done.returncode == 0 else ()


def must_be_there(device: str) -> None:
    """Raise BadInput if a card is wanted, and there is none here that can be recorded."""
    if device == CARD:
        card_facts(cards(), _libraries())


def take_device(device: str) -> None:
    """Let this process compute on the card that is wanted, before TensorFlow computes anything.

    Raises BadInput if there is none; where no card is wanted nothing is imported or done.
    """
    must_be_there(device)
    if device == CARD:
        pin_tensorflow(device)


def on_device(environment: Mapping[str, Any], device: str) -> dict[str, Any]:
    """Return an environment with what is to be known of the card, if one computes.

    On a machine without one it is told apart from those with one, whatever else is equal.
    """
    if device != CARD:
        return dict(environment)
    try:
        facts = card_facts(cards(), _libraries())
    except BadInput:
        facts = {"gpu": "none"}
    return {**environment, **facts, **_variables()}


def card_facts(found: tuple[Card, ...], libraries: Mapping[str, str]) -> dict[str, Any]:
    """Return what bits depend on of a card and of CUDA's packages by their versions.

    Raises BadInput if there is no card, if cards differ, or if a library's version is not known.
    """
    if not found:
        raise BadInput(
            "A model with `device` gpu is trained on a graphics card, and NVIDIA's driver "
            "(nvidia-smi) names none on this machine: run this where there is one, or train "
            "with `device` cpu."
        )
    if len(set(found)) > 1:
        raise BadInput(
            "This machine has graphics cards of several kinds, of which TensorFlow would choose "
            "one: run this where all are alike, or train with `device` cpu."
        )
    if any(not any(name.startswith(one) for name in libraries) for one in LIBRARIES):
        raise BadInput(
            "No package of Python says which CUDA and cuDNN TensorFlow loads here, and bits depend "
            "on them: install tensorflow[and-cuda], or train with `device` cpu."
        )
    (card,) = set(found)
    return {
        "gpu": re.sub(r"[^\w.+-]+", "-", card.name),
        "gpu.capability": card.capability,
        "gpu.driver": card.driver,
        **{f"gpu.{name}": version for name, version in sorted(libraries.items())},
        "gpu.tf32": False,
    }


def _libraries() -> dict[str, str]:
    """Return the versions of NVIDIA's packages, CUDA and cuDNN among them."""
    from importlib.metadata import distributions

    names = ((str(one.metadata["Name"]).lower(), one.version) for one in distributions())
    return {name: version for name, version in names if name.startswith("nvidia-")}


def _variables() -> dict[str, str]:
    return {
        name: as_recorded(value)
        for name, value in os.environ.items()
        if value and VARIABLES.fullmatch(name) and not WHICH_CARD.fullmatch(name)
    }

"""Imported by the process whose forks learn parts (`contract_process`, `apart`)."""

from tests.fixtures.computed_once import compute_code, import_later
from tests.unlearning.families import contract_process
from unlearning.families.known_families import FAMILIES

assert contract_process
import_later()
compute_code(FAMILIES)

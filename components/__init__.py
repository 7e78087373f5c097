"""TFX components: thin adapters, no algorithm inside."""

from components.artifacts import (
    Certificate,
    CheckReport,
    DetectionReport,
    ErasureReport,
    Evaluation,
    Ledger,
    ModelRecord,
    Plan,
    RequestReport,
    Rows,
)

__all__ = [
    "Certificate",
    "CheckReport",
    "DetectionReport",
    "ErasureReport",
    "Evaluation",
    "Ledger",
    "ModelRecord",
    "Plan",
    "RequestReport",
    "Rows",
]

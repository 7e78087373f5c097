"""The artifact types of unweave.

Kubeflow's compiler wants a type's name to be its import path and allows no declared properties:
values are files in the artifact's folder.
"""

from tfx.types.artifact import Artifact
from tfx.types.system_artifacts import Dataset

# The files in the folders of the artifacts that a deletion makes, and of an evaluation.
PLAN_JSON = "plan.json"
REPORT_JSON = "report.json"
ERASURE_JSON = "erasure.json"
CERTIFICATE_JSON = "certificate.json"


class Rows(Artifact):
    """Encoded rows by shard and slice (`lineage_store.rows.row_store`)."""

    TYPE_NAME = "components.Rows"
    TYPE_ANNOTATION = Dataset


class Ledger(Artifact):
    """What a training run leaves for later (`lineage_store.ledger.shards`)."""

    TYPE_NAME = "components.Ledger"


class Plan(Artifact):
    """What a deletion will do to one model (`unlearning.planning.plan`)."""

    TYPE_NAME = "components.Plan"


class CheckReport(Artifact):
    """The checks of an unlearnt model (`unlearning.verification.checks`)."""

    TYPE_NAME = "components.CheckReport"


class Evaluation(Artifact):
    """The verdict on an unlearnt model, beside the old one and the twin (`push_gate`)."""

    TYPE_NAME = "components.Evaluation"


class ModelRecord(Artifact):
    """That a model was registered."""

    TYPE_NAME = "components.ModelRecord"


class ErasureReport(Artifact):
    """What was erased, and what the scan for residues read (`unlearning.erasure.scan`)."""

    TYPE_NAME = "components.ErasureReport"


class Certificate(Artifact):
    """The signed proof of a deletion (`unlearning.certificates.envelope`)."""

    TYPE_NAME = "components.Certificate"


class RequestReport(Artifact):
    """What became of the requests that were due (`pipelines.runs.queue`)."""

    TYPE_NAME = "components.RequestReport"


class DetectionReport(Artifact):
    """How many rows look poisoned, and which request was filed for them (`unlearning.poison`)."""

    TYPE_NAME = "components.DetectionReport"

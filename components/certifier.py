"""Certifier: the component that writes the certificate."""

import json
from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.system_executions import Process

from components.artifacts import (
    CERTIFICATE_JSON,
    ERASURE_JSON,
    Certificate,
    ErasureReport,
)
from components.properties import folder_of, publish
from lineage_store.clock import clock_ahead
from lineage_store.workspace import open_workspace
from unlearning.certificates import certify


@component(component_annotation=Process)
def Certifier(
    erasure: InputArtifact[ErasureReport],
    certificate: OutputArtifact[Certificate],
    workspace: Parameter[str],
    request_id: Parameter[str],
    ahead: Parameter[int],
    version: Parameter[str],
) -> None:
    """Writes and signs the certificate, and records the deletion in the event log."""
    json.loads((folder_of(erasure) / ERASURE_JSON).read_bytes())  # only after an erasure
    sealed = certify(
        open_workspace(Path(workspace)), request_id, clock=clock_ahead(ahead), version=version
    )
    publish(certificate, CERTIFICATE_JSON, sealed)

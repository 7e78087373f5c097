"""RunRecorder: the last component of every run, which takes what it left into ML Metadata.

Whoever started the pipeline need do nothing after it. What comes to be only after this component
(its own end) is no part of the lineage, and what it could not see, the next command adds.
"""

from tfx.dsl.component.experimental.annotations import Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.system_executions import Process

from components.own_process import carried_out
from lineage_store.errors import CheckFailed, NotRecorded


@component(component_annotation=Process)
def RunRecorder(
    entry: Parameter[str],
    workspace: Parameter[str],
    ahead: Parameter[int],
    awaited: Parameter[int],
    stand_ins: Parameter[int],
) -> None:
    """Records what the run made and what it ended; may run twice.

    Somebody who has `awaited` the run ends it, once they have read what was measured and is kept
    nowhere; else it ends here. With `stand_ins` TFX wrote nothing to ML Metadata in this run, and
    what it would have written of the artifacts is written here.
    """
    asked = {"workspace": workspace, "ahead": ahead, "awaited": awaited, "stand_ins": stand_ins}
    try:
        carried_out(entry, asked)
    except CheckFailed as error:
        raise NotRecorded(
            f"The run is done and not in ML Metadata yet: run this component again, or any "
            f"command, which adds it ({error})"
        ) from error

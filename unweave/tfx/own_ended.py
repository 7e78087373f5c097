"""What a user's own ML Metadata keeps of what ends with a deletion: that it was there, and edges.

ML Metadata cannot delete, and what TFX and people's components wrote into it would answer questions
about who went (law 9). So, of what ends,

    properties      are taken out, but for those that say what and where a thing was: a metric that
                    somebody's component put on a model, whether an evaluation blessed it
    fingerprints    of ExampleGen's input, which count the bytes of people's rows, are taken out of
                    every execution
    caches          lose their names, each of which is the SHA-256 of all that went into a step,
                    such a fingerprint included: who guesses how long a row was would try it
    pages           are written anew, since SQLite leaves what was there before on them
                    (`lineage_store.mlmd.rewritten`); what a server keeps is the server's

Each can run again.
"""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from lineage_store.mlmd import rewrite
from unweave.tfx.own_lineage import edges_of

FINGERPRINT = "input_fingerprint"
CACHE = "execution_cache"
ENDED = "ended"
WHAT_IT_WAS = frozenset((
    "split_names", "span", "version", "payload_format", "file_format", "is_external",
    "tfx_version", "name", "state", "type_name", "producer_component", "pipeline_name",
    "pushed", "pushed_version", "pushed_destination",
))  # fmt: skip


def mark_ending(connection: Any, artifacts: Iterable[int]) -> None:
    """Mark artifacts as those that are going to end, so that no resolver finds them; repeatable."""
    store = MetadataStore(connection)
    found = store.get_artifacts_by_id(sorted(artifacts))
    for artifact in found:
        artifact.state = mlmd.Artifact.MARKED_FOR_DELETION
    store.put_artifacts(found)


def mark_ended(connection: Any, pipeline: str, ended: Iterable[int]) -> None:
    """Mark artifacts as deleted, and take out what would tell of their content; repeatable."""
    store = MetadataStore(connection)
    context = store.get_context_by_type_and_name("pipeline", pipeline)
    artifacts = store.get_artifacts_by_id(sorted(ended))
    for artifact in artifacts:
        artifact.state = mlmd.Artifact.DELETED
        for properties in (artifact.properties, artifact.custom_properties):
            for name in properties.keys() - WHAT_IT_WAS:
                del properties[name]
    store.put_artifacts(artifacts)
    executions = store.get_executions_by_context(context.id)
    gone = {one.id for one in store.get_artifacts_by_context(context.id)
            if one.state == mlmd.Artifact.DELETED}  # fmt: skip
    _forget_caches(store, executions, gone)
    counted = [one for one in executions if FINGERPRINT in one.custom_properties]
    for execution in counted:
        execution.custom_properties[FINGERPRINT].string_value = ""
    store.put_executions(counted)


def clear_pages(files: Iterable[Path]) -> None:
    """Take off the disk what was taken out; raises what `rewrite` does."""
    for file in files:
        rewrite(file)


def _forget_caches(
    store: MetadataStore, executions: Collection[mlmd.Execution], gone: Collection[int]
) -> None:
    """Take the names of caches away by which a step is found that took or made what has ended.

    Those of steps that failed, too: a fingerprint says that one read the source. A cache without
    any step is of one that was killed as it began.
    """
    inputs_of, outputs_of = edges_of(store, [one.id for one in executions])
    telling = {one.id for one in executions
               if FINGERPRINT in one.custom_properties
               or not (inputs_of[one.id] | outputs_of[one.id]).isdisjoint(gone)}  # fmt: skip
    caches = [one for one in store.get_contexts_by_type(CACHE) if not one.name.startswith(ENDED)]
    found = []
    for cache in caches:
        users = {one.id for one in store.get_executions_by_context(cache.id)}
        if not users or users & telling:
            cache.name = f"{ENDED} {cache.id}"
            found.append(cache)
    store.put_contexts(found)

"""All nodes of MLMD, piece by piece in the order of their ids, so that memory stays bounded."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ml_metadata.metadata_store import ListOptions, OrderByField

from lineage_store.mlmd.metadata_store import AT_ONCE, Metadata, pb


def artifact_pages(metadata: Metadata) -> Iterator[Sequence[pb.Artifact]]:
    """Yield all artifacts that there are when it begins."""
    store = metadata.store
    for ids in _ranges(store.get_artifacts):
        yield store.get_artifacts_by_id(ids)


def execution_pages(metadata: Metadata) -> Iterator[Sequence[pb.Execution]]:
    """Yield all executions that there are when it begins."""
    store = metadata.store
    for ids in _ranges(store.get_executions):
        yield store.get_executions_by_id(ids)


def _ranges(listing: Callable[..., Sequence[Any]]) -> Iterator[range]:
    newest = listing(list_options=ListOptions(limit=1, order_by=OrderByField.ID, is_asc=False))
    last = newest[0].id if newest else 0
    for start in range(1, last + 1, AT_ONCE):
        yield range(start, min(start + AT_ONCE, last + 1))

"""VersionPusher: TFX's Pusher, whose every push is a version of its own.

TFX names a version by the second of the push, and copies nothing where that second has one: of two
runs that end in one second, the second would serve the first one's model, which a deletion ends. So
a push waits for a second that has no version yet. Its type in ML Metadata is that of TFX's Pusher.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx.components.pusher.component import Pusher
from tfx.components.pusher.executor import Executor
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.proto.pusher_pb2 import PushDestination
from tfx.types import Artifact
from tfx.utils.proto_utils import json_to_proto


class OwnVersion(Executor):
    """TFX's executor of a push, begun in a second that has no version yet."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Wait until the second of this push is free, and push."""
        versions = _pushed_to(exec_properties)
        while (versions / str(int(now := time.time()))).exists():
            time.sleep(1 - now % 1)
        super().Do(input_dict, output_dict, exec_properties)


class VersionPusher(Pusher):
    """TFX's Pusher with the executor that waits for a version of its own."""

    EXECUTOR_SPEC = ExecutorClassSpec(OwnVersion)

    @classmethod
    def get_class_type(cls) -> str:
        """Return TFX's own type: who looks for what was pushed in ML Metadata looks for that."""
        return str(Pusher.get_class_type())


def _pushed_to(exec_properties: Mapping[str, str]) -> Path:
    destination = PushDestination()
    json_to_proto(exec_properties["push_destination"], destination)
    return Path(destination.filesystem.base_directory)

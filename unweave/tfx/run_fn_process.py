"""A process that runs a user's `run_fn` for one shard, as TFX's Trainer would, and ends.

`python -m unweave.tfx.run_fn_process` reads what to do as one JSON object from standard input:

    train   TFX's own executor of Trainer, on Examples of one shard, seeded by its number
    join    the shards' models into one

What `run_fn` prints goes where this process prints.
"""

import json
import sys
from pathlib import Path
from typing import Any

from unlearning.serving import are_graphs, join_models
from unlearning.whole_shards import pin_whole

ENTRY = "unweave.tfx.run_fn_process"


def train(asked: dict[str, Any]) -> None:
    """Run `run_fn`; artifacts come and go in TFX's own JSON."""
    from tfx.components.trainer.executor import GenericExecutor
    from tfx.utils import json_utils

    given, made = (json_utils.loads(asked[name]) for name in ("inputs", "outputs"))
    GenericExecutor().Do(given, made, asked["parameters"])


def main() -> None:
    """Do what is asked on standard input."""
    asked = json.load(sys.stdin)
    if asked["do"] == "train":
        pin_whole(asked["seed"])
        train(asked)
        return
    models = [Path(one) for one in asked["models"]]
    if are_graphs(models):
        pin_whole(asked["seed"])
    join_models(models, Path(asked["into"]))


if __name__ == "__main__":
    main()

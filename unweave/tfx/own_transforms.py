"""What a user's Transform shows to its analyzers: first slices, or all, in summation form.

A definition says which cells are analyzed. Where these are first slices alone, all is well. Where
they are more, the analyzers are looked up, in a process of its own that imports the user's module
and makes TFT's graph of it (`transform_analyzers`), and those that are not in summation form are
refused by their names.
"""

import inspect
import json
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lineage_store.errors import BadInput, CheckFailed
from lineage_store.examples import is_first_slice
from unlearning.whole_shards import pinned_variables
from unweave.tfx.transform_analyzers import analyzers_of

ENTRY = "unweave.tfx.own_transforms"
GIVEN = ("preprocessing_fn", "module_file", "module_path", "custom_config", "force_tf_compat_v1")


def sees_all_slices(parameters: Mapping[str, Any]) -> bool:
    """Say whether a Transform of these parameters analyzes more than first slices."""
    config = parameters.get("splits_config")
    analyzed = json.loads(config).get("analyze", ()) if config else ()
    return not analyzed or not all(map(is_first_slice, analyzed))


def must_be_in_summation_form(node: str, parameters: Mapping[str, Any], graph: Path) -> None:
    """Raise BadInput, naming the analyzers of a component that are not in summation form.

    `graph` is what it made in the last run: the types of its inputs stand there. Raises CheckFailed
    if its module cannot be read.
    """
    with TemporaryDirectory() as scratch:
        answer = Path(scratch) / "analyzers.json"
        arguments = {
            "parameters": {name: parameters.get(name) for name in GIVEN},
            "graph": str(graph),
            "answer": str(answer),
        }
        done = subprocess.run(
            [sys.executable, "-m", ENTRY],
            input=json.dumps(arguments),
            text=True,
            check=False,
            env={**pinned_variables(0), "PYTHONPATH": ":".join(filter(None, sys.path))},
        )
        if done.returncode:
            raise CheckFailed(
                f"The analyzers of {node} could not be looked up: what was said stands above. Let "
                f"it see first slices alone, by `splits_config` of ExampleGate."
            )
        others = json.loads(answer.read_text(encoding="utf-8"))
    if others:
        raise BadInput(
            f"{node} lets {', '.join(others)} see all slices, which every row moves, and the order "
            f"of rows, too: give it `splits_config` of ExampleGate, whose first slices are enough, "
            f"or take `scale_by_sums`, `bucketize_by_counts` or vocabularies by counts."
        )


def main() -> None:
    """Look up the analyzers that standard input asks for."""
    arguments = json.load(sys.stdin)
    parameters = arguments["parameters"]
    classic = bool(parameters.get("force_tf_compat_v1"))
    found = analyzers_of(
        _function(parameters), _specs(Path(arguments["graph"]), classic=classic), classic=classic
    )
    others = [one.name for one in found if not one.is_summed]
    Path(arguments["answer"]).write_text(json.dumps(others), encoding="utf-8")


def _function(parameters: dict[str, Any]) -> Any:
    """Return a user's `preprocessing_fn`, as the component finds it, with what it is given."""
    from tfx.components.util.udf_utils import get_fn

    module, _, wheel = (parameters.get("module_path") or "").partition("@")
    if wheel:
        sys.path.insert(0, wheel)
        parameters = {**parameters, "module_path": module}
    found = get_fn(parameters, "preprocessing_fn")
    if "custom_config" not in inspect.signature(found).parameters:
        return found
    return partial(found, custom_config=json.loads(parameters.get("custom_config") or "null") or {})


def _specs(graph: Path, *, classic: bool) -> dict[str, Any]:
    """Return the types of the inputs: of TensorFlow 1 features, and tensors else."""
    from tensorflow_transform import TFTransformOutput, impl_helper

    features: dict[str, Any] = TFTransformOutput(str(graph)).raw_feature_spec()
    if classic:
        return features
    types: dict[str, Any] = impl_helper.get_type_specs_from_feature_specs(features)
    return types


if __name__ == "__main__":
    main()

"""What stands in anybody's own TFX pipeline: `import unweave.tfx`.

example_gate_component  ExampleGate: from what an ExampleGen wrote to Examples in cells

Nothing here imports `components` or `pipelines`, whose names a user's own packages may have. TFX
writes the path of an executor's class into its pipelines and imports it by that: so these classes
stand here, where nobody else's name stands before them.
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unweave.tfx.example_gate_component import ExampleGate
else:
    __getattr__ = lazily(__name__, {"example_gate_component": ("ExampleGate",)})

__all__ = ["ExampleGate"]

"""tf.Examples of somebody's own pipeline, let in row by row, feature by feature as they are.

example_record  one Example in bytes: its features, and an id in one of them
record_files    TFRecord files of them, read and written
asked_rows      what the exclusion manifest is asked about them
example_gate    who is kept out, what each row's key and place are, and the cells they lie in
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.examples.example_gate import (
        ExampleCut,
        ExampleGateway,
        GatedRow,
        IdFeatures,
        is_first_slice,
        read_folded,
        read_gated_rows,
        split_of_cell,
        stand_in,
    )
    from lineage_store.examples.example_record import (
        canonical_example,
        features_in,
        id_in,
        texts_in,
        with_features,
    )
    from lineage_store.examples.record_files import read_records, write_records
else:
    __getattr__ = lazily(
        __name__,
        {
            "example_gate": (
                "ExampleCut",
                "ExampleGateway",
                "GatedRow",
                "IdFeatures",
                "is_first_slice",
                "read_folded",
                "read_gated_rows",
                "split_of_cell",
                "stand_in",
            ),
            "example_record": (
                "canonical_example",
                "features_in",
                "id_in",
                "texts_in",
                "with_features",
            ),
            "record_files": ("read_records", "write_records"),
        },
    )

__all__ = [
    "ExampleCut",
    "ExampleGateway",
    "GatedRow",
    "IdFeatures",
    "canonical_example",
    "features_in",
    "id_in",
    "is_first_slice",
    "read_folded",
    "read_gated_rows",
    "read_records",
    "split_of_cell",
    "stand_in",
    "texts_in",
    "with_features",
    "write_records",
]

"""What a scheduled search is asked: it is read as the command reads its options."""

import pytest

from lineage_store.errors import BadInput
from lineage_store.requests.detection import DETECTION_FILE, Search, load_search


def test_a_scheduled_search_is_asked_by_a_file_of_options():
    asked = {"csv": ["a.csv", "b.csv"], "row_id_column": "id", "share": 0.05, "model": "m2"}
    assert Search.from_json(asked) == Search(
        csv=("a.csv", "b.csv"), row_id="id", share=0.05, model="m2"
    )
    asked = {"csv": "a.csv", "row_id_column": "id", "method": "provenance",
             "trusted": "t.csv", "source_column": "vendor"}  # fmt: skip
    assert Search.from_json(asked) == Search(
        csv=("a.csv",), row_id="id", method="provenance", trusted="t.csv", source="vendor"
    )


@pytest.mark.parametrize(
    "said, message",
    [
        ({"propose": "file.json"}, "detect.json says propose: it may say csv, row_id_column"),
        ({"csv": None}, "no text for csv"),
        ({"csv": []}, "no text for csv"),
        ({"csv": ["a.csv", 3]}, "no text for csv"),
        ({"model": 2}, "no text for model"),
        ({"share": "0.05"}, "no number for share"),
    ],
)
def test_what_does_not_fit_is_refused(said, message):
    with pytest.raises(BadInput, match=message):
        Search.from_json({"csv": "a.csv", "row_id_column": "id", **said})
    with pytest.raises(BadInput, match="does not say csv, row_id_column"):
        Search.from_json({})


@pytest.mark.parametrize("text", [None, "{", "3", "\udcff"])
def test_a_file_that_is_none_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / DETECTION_FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadInput, match="There is no detect.json in the workspace that can be read"):
        load_search(tmp_path)

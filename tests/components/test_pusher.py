"""A push: each is a version of its own, also of two in one second."""

import time

from tfx.proto.pusher_pb2 import PushDestination
from tfx.types.standard_artifacts import Model, ModelBlessing, PushedModel
from tfx.utils.proto_utils import proto_to_json

from components.pusher import OwnVersion, VersionPusher


def push(model, served, to):
    """Push the model in a folder; say which version it is."""
    given, blessing, pushed = Model(), ModelBlessing(), PushedModel()
    given.uri, pushed.uri = str(model), str(to)
    blessing.set_int_custom_property("blessed", 1)
    destination = PushDestination(filesystem={"base_directory": str(served)})
    OwnVersion().Do(
        {"model": [given], "model_blessing": [blessing]},
        {"pushed_model": [pushed]},
        {"push_destination": proto_to_json(destination)},
    )
    return pushed.get_string_custom_property("pushed_version")


def test_two_pushes_in_one_second_are_two_versions(tmp_path):
    for name in ("first", "second"):
        folder = tmp_path / name / "Format-Serving"
        folder.mkdir(parents=True)
        (folder / "saved_model.pb").write_text(name)
    time.sleep(1 - time.time() % 1)
    made = [push(tmp_path / name, tmp_path / "served", tmp_path / f"to-{name}")
            for name in ("first", "second")]  # fmt: skip
    assert int(made[0]) < int(made[1])
    served = [(tmp_path / "served" / one / "saved_model.pb").read_text() for one in made]
    assert served == ["first", "second"]


def test_its_type_in_ml_metadata_is_tfx_own():
    assert VersionPusher.get_class_type() == "tfx.components.pusher.component.Pusher"

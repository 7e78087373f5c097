"""What decides bits besides the code: each setting is told by its name, and defaults by none."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lineage_store.errors import BadInput, NotReproducible
from pipelines.backends.direct import DirectBackend
from tests.fingerprint.admit import differing as differing_states
from tests.fingerprint.admit import start, told
from tests.unlearning.fingerprint.test_environment import OPTIONS, table
from unlearning.fingerprint.determinism import LEGACY_KERAS, pin_tensorflow
from unlearning.fingerprint.environment import differing, environment
from unlearning.fingerprint.keras_settings import DEFAULTS, keras_settings
from unlearning.fingerprint.module_imports import module_imports, must_be_followed
from unweave import Project

TOP = Path(__file__).parents[2]
VARIABLES = {
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "DNNL_DEFAULT_FPMATH_MODE": "BF16",
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
    "OMP_NUM_THREADS": "7",
    "KERAS_NNX_ENABLED": "true",
    "NPY_DISABLE_CPU_FEATURES": "AVX2",
}
KERAS = {"floatx": "float64", "epsilon": 0.01, "image_data_format": "channels_first"}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    """Start each test with no variable and no file."""
    for name in [*VARIABLES, "KERAS_BACKEND"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "nothing"))


def test_the_variable_that_libraries_of_tfx_set_decides_nothing_and_is_taken_away(monkeypatch):
    before = environment()
    monkeypatch.setenv(LEGACY_KERAS, "1")
    assert environment() == before
    pin_tensorflow()
    assert LEGACY_KERAS not in os.environ


@pytest.fixture
def keras_file(monkeypatch, tmp_path):
    """Return a function that writes Keras's configuration file."""

    def write(**settings):
        (tmp_path / "keras.json").write_text(json.dumps(settings), encoding="utf-8")
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))

    return write


@pytest.fixture(scope="module")
def project(tmp_path_factory, write_csv):
    """A model that was trained with nothing set."""
    made = Project(tmp_path_factory.mktemp("settings") / "workspace", backend=DirectBackend())
    made.train(write_csv(table()), **OPTIONS)
    return made


def why(project):
    """Return the reason of a plan, and whether it retrains everything."""
    (plan,) = project.plan(["p07"], guarantee="exact")["plans"]
    return plan["why"], plan["steps_planned"] == plan["steps_full"]


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_was_not_set_makes_a_plan_retrain(project, monkeypatch, name):
    assert not why(project)[1]
    monkeypatch.setenv(name, VARIABLES[name])
    said = f"the environment differs from the one that trained this model ({name})"
    assert why(project) == (said, True)


@pytest.mark.parametrize("name", KERAS)
def test_an_edited_keras_json_makes_a_plan_retrain(project, keras_file, name):
    keras_file(**{**DEFAULTS, name: KERAS[name]})
    said = f"the environment differs from the one that trained this model (keras.{name})"
    assert why(project) == (said, True)


def test_defaults_that_are_written_down_are_the_defaults(keras_file, monkeypatch):
    before = environment()
    keras_file(**DEFAULTS)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "1")
    monkeypatch.setenv("TF_CLI_CONFIG_FILE", "/of/terraform")
    assert environment() == before and not any("keras." in name for name in before)


def test_what_may_be_telling_stands_by_its_digest(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/home/ann")
    assert "ann" not in str(environment())
    one = environment()
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/home/bob")
    assert differing(one, environment()) == ["XLA_FLAGS"]


def test_keras_is_set_as_it_would_set_itself(keras_file):
    keras_file(**KERAS)
    script = (
        "import keras; c = keras.config; said = [c.floatx(), c.epsilon(), c.image_data_format()];"
        "c.set_floatx('float16'); c.set_dtype_policy('mixed_bfloat16'); c.set_epsilon(0.5);"
        "from unlearning.fingerprint.determinism import pin_tensorflow; pin_tensorflow();"
        "assert said == [c.floatx(), c.epsilon(), c.image_data_format()];"
        "assert c.dtype_policy().name == c.floatx(); print(*said)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=TOP, env=os.environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [str(value) for value in KERAS.values()]
    assert {name: keras_settings()[name] for name in KERAS} == KERAS


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[]", "no JSON object"), ("null", "no JSON object"), ("[" * 99999, "no JSON object"),
        ('{"floatx": "float8"}', "says of floatx"), ('{"floatx": []}', "says of floatx"),
        ('{"epsilon": 1}', "says of epsilon"), ('{"backend": "none"}', "says of backend"),
        ('{"backend": null, "image_data_format": {}}', "says of backend and image_data_format"),
    ],
)  # fmt: skip
def test_a_file_with_which_keras_cannot_be_imported_is_told_by_its_name(
    keras_file, tmp_path, written, said
):
    keras_file()
    (tmp_path / "keras.json").write_text(written, encoding="utf-8")
    with pytest.raises(BadInput, match=f"{tmp_path / 'keras.json'},? .*{said}.*mend it"):
        environment()


@pytest.mark.parametrize("written", ["", "{", "\x00", '{"epsilon": 1e-3, "other": 1}'])
def test_what_keras_takes_is_taken(keras_file, tmp_path, written):
    keras_file()
    (tmp_path / "keras.json").write_text(written, encoding="utf-8")
    assert ("keras.epsilon" in environment()) is ("other" in written)


@pytest.mark.parametrize("name", ["floatx", "ONEDNN_MAX_CPU_ISA"])
def test_a_setting_that_is_fingerprinted_changes_the_weights(keras_file, monkeypatch, name):
    before = told(start(TOP, "plain", "normalised"))
    if name in KERAS:
        keras_file(**{name: KERAS[name]})
    else:
        monkeypatch.setenv(name, VARIABLES[name])
    assert differing_states(before, told(start(TOP, "plain", "normalised")))


def test_what_a_module_imports_counts_by_its_bytes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "layers_of_mine.py").write_text("import sizes_of_mine\n", encoding="utf-8")
    sizes = tmp_path / "sizes_of_mine.py"
    sizes.write_text("SIZE = 8\n", encoding="utf-8")
    text = "import keras, numpy as np, math\nfrom layers_of_mine import Mine\nimport click\n"
    before = environment(text)
    assert before["imports"].keys() == {"click", "layers_of_mine", "sizes_of_mine"}
    assert before["imports"]["click"].startswith("click ")
    sizes.write_text("SIZE = 9\n", encoding="utf-8")
    assert differing(before, environment(text)) == ["import sizes_of_mine"]
    assert environment("import keras\n") == environment() == environment(None)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("import a_folder", "a_folder"),
        ("import importlib\nimportlib.import_module('x')", "importlib"),
        ("from importlib import import_module", "importlib"),
        ("exec('x = 1')", "exec"),
        ("import unlearning.keras_models.module_file", "unlearning.keras_models.module_file"),
    ],
)
def test_what_no_digest_stands_for_is_refused_by_name(tmp_path, monkeypatch, text, named):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "a_folder").mkdir()
    with pytest.raises(NotReproducible, match=rf"module mine\.py (imports|uses) {named}\b"):
        must_be_followed(text, module="mine.py")


def test_what_is_of_unweave_counts_by_its_fingerprint():
    text = "from unlearning.keras_models.module_file import ModelSpec"
    must_be_followed(text, module="mine.py")
    assert module_imports(text).keys() == {"unlearning.keras_models.module_file.ModelSpec"}


def test_a_package_with_a_folder_before_its_first_file_is_told_by_all_its_files(
    tmp_path, monkeypatch
):
    """As scikit-learn is, whose `__check_build` stands before `__init__.py`."""
    package = tmp_path / "theirs"
    (package / "__check").mkdir(parents=True)
    for file in ("__init__.py", "__check/__init__.py"):
        (package / file).write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = module_imports("import theirs")
    (package / "__check" / "__init__.py").write_text("x = 2\n")
    after = module_imports("import theirs")
    assert before.keys() == after.keys() == {"theirs"} and before != after

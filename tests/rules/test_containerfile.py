"""The container file has all that the image needs; no image is built here.

What it copies is copied into an empty folder, and the command and its backend are imported from it.
"""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]
IMPORTED = """
import sys

sys.path.insert(0, sys.argv[1])
import pipelines.backends.kubeflow, unweave.cli, unweave.recording

ours = ("unweave", "pipelines", "components", "unlearning", "lineage_store")
files = {one.__file__ for name, one in sys.modules.items() if name.partition(".")[0] in ours}
print(len(files), [one for one in files if not one.startswith(sys.argv[1])])
"""


def lines(word):
    """The lines of the container file that begin with a word, without it."""
    text = (TOP / "install/Containerfile").read_text(encoding="utf-8")
    return re.findall(rf"^{word} (.+)$", text, flags=re.MULTILINE)


def test_the_image_has_every_package_and_installs_as_the_readme_does(tmp_path):
    for copied in lines("COPY"):
        *sources, target = copied.split()
        for source in sources:
            there = tmp_path / target / source if target == "./" else tmp_path / target
            if (TOP / source).is_dir():
                shutil.copytree(TOP / source, there)
            else:
                shutil.copy(TOP / source, there)
    settings = configparser.ConfigParser()
    settings.read(tmp_path / "setup.cfg")
    packages = settings["options.packages.find"]["include"].split()
    assert {f"{path.parent.name}*" for path in tmp_path.glob("*/__init__.py")} == {*packages}
    (readme,) = settings["metadata"]["long_description"].removeprefix("file: ").split()
    for needed in (readme, settings["metadata"]["license_files"], "pyproject.toml"):
        assert (tmp_path / needed).is_file()
    for line in settings["options.data_files"].values():
        assert (tmp_path / line).is_file()

    (folder,) = lines("WORKDIR")
    assert lines("ENV")[0].split()[0].startswith(f"PATH={folder}/.venv/bin:")
    assert lines("RUN")[-1] == "install/venv.sh"
    assert os.access(tmp_path / "install/venv.sh", os.X_OK)
    assert list((tmp_path / "install").glob("lock-*.txt"))

    done = subprocess.run(
        [sys.executable, "-I", "-c", IMPORTED, tmp_path],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    count, _, elsewhere = done.stdout.strip().partition(" ")
    assert (elsewhere, done.returncode) == ("[]", 0), done.stderr[-2000:]
    assert int(count) > 100

"""The diffs of docs/your-tfx-pipeline.md, applied to the files that the installed TFX ships."""

import re
from importlib.util import find_spec
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "your-tfx-pipeline.md").read_text(encoding="utf-8")
TFX = Path(find_spec("tfx").origin).parent
OF_TFX = {
    "taxi": TFX / "experimental/templates/taxi/pipeline/pipeline.py",
    "penguin": TFX / "examples/penguin/penguin_pipeline_local.py",
}
STEPS_5_AND_6 = (
    "statistics_gen",
    "schema_gen",
    "transform",
    "trainer",
    "model_resolver",
    "evaluator",
    "pusher",
)


def diff(name):
    """The lines of a diff of the page."""
    return re.search(rf"<!-- {name} -->\n```diff\n(.*?)```", PAGE, re.DOTALL).group(1).splitlines()


def changed_lines(name):
    """How many lines a diff takes out or puts in."""
    return sum(line[0] in "+-" for line in diff(name))


def applied(name):
    """A file of TFX's, changed as the page shows; each piece must stand in it exactly once."""
    text = OF_TFX[name].read_text(encoding="utf-8")
    for component in STEPS_5_AND_6 if name == "taxi" else ():
        text = text.replace(f"# components.append({component})", f"components.append({component})")
    for piece in "\n".join(diff(name)).split("\n@@\n"):
        lines = piece.splitlines()
        old = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
        new = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
        assert text.count(f"\n{old}") == 1, f"stands {text.count(old)} times in {name}:\n{old}"
        text = text.replace(f"\n{old}", f"\n{new}")
    return text

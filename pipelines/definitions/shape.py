"""The shape of the pipelines, as an orchestrator may know it before there are any data.

Each component stands with those that it comes after. Not every run has all: two ways lead to
statistics, and some are there for what a model was trained from, or for a policy. A deletion has a
branch for every model that it replaces, whose components bear that model's id.

Nothing is imported here, so that an orchestrator's own environment can read it.
"""

from collections.abc import Mapping

Shape = Mapping[str, tuple[str, ...]]

_EXAMPLES = {
    "GatedStatisticsGen": ("GatedExampleGen",),
    "StatisticsGen": ("GatedExampleGen",),
    "SchemaGen": ("GatedStatisticsGen", "StatisticsGen"),
    "ExampleValidator": ("SchemaGen", "StatisticsGen"),
}
_READ = ("GatedExampleGen", "GatedStatisticsGen", "StatisticsGen", "SchemaGen", "ExampleValidator")

TRAINING: Shape = {
    "GatedExampleGen": (),
    **_EXAMPLES,
    "RowIndexer": ("GatedExampleGen", "SchemaGen"),
    "BaseLedger": (),
    "LineageTrainer": ("BaseLedger", "RowIndexer"),
    "Pusher": ("LineageTrainer",),
    "ModelRecorder": (*_READ, "RowIndexer", "LineageTrainer", "Pusher"),
    "RunRecorder": ("ModelRecorder",),
}

BRANCH: Shape = {
    "DeletionPlanner": (),
    "OldLedger": (),
    "OldRows": (),
    "OldExamples": (),
    "OldStatistics": (),
    "BaseLedger": (),
    "GatedExampleGen": ("DeletionPlanner", "OldExamples"),
    **_EXAMPLES,
    "GatedStatisticsGen": ("GatedExampleGen", "OldStatistics"),
    "RowIndexer": ("GatedExampleGen", "SchemaGen", "OldLedger", "OldRows"),
    "Unlearner": ("DeletionPlanner", "OldLedger", "OldRows", "BaseLedger", "RowIndexer"),
    "DeletionChecker": (
        "DeletionPlanner", "OldLedger", "OldRows", "BaseLedger", "RowIndexer", "Unlearner"
    ),
    "UnlearningEvaluator": (
        "DeletionPlanner", "OldLedger", "OldRows", "RowIndexer", "Unlearner", "DeletionChecker"
    ),
    "Pusher": ("Unlearner", "DeletionChecker", "UnlearningEvaluator"),
    "ModelRecorder": (*_READ, "RowIndexer", "Unlearner", "Pusher"),
}  # fmt: skip

DELETION: Shape = {  # after all branches, each of which ends in a ModelRecorder
    "Eraser": (),
    "Certifier": ("Eraser",),
    "RunRecorder": ("Certifier",),
}

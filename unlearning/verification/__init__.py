"""Is a result what it says it is? Checks that can fail, and replays.

checks          of a deletion's result, each with its negative control (`controlled`)
report_file     the report, made and kept with the request
replay          segments of a training run, taken again; `taken_again` units of a deletion's
learnt_again    parts of sums, learnt again whole
earned          units of what is taken over, taken again before; `settled` a plan goes by it
as_they_were    shards of which neither rows nor records have changed
recorded_files  the files of a live model against the digests in its ledger
twin_distance   how near a result is to its retrained twin
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.verification.checks import CheckReport, Unlearned, must_pass
    from unlearning.verification.controlled import Check
    from unlearning.verification.learnt_again import replay_sums
    from unlearning.verification.recorded_files import differing_files
    from unlearning.verification.report_file import check_and_keep, load_reports
    from unlearning.verification.settled import Before, needs_settling, settle
    from unlearning.verification.taken_again import replay_run
    from unlearning.verification.twin_distance import CLOSER, UNMEASURED, Distances, Nearness
else:
    __getattr__ = lazily(
        __name__,
        {
            "checks": ("CheckReport", "Unlearned", "must_pass"),
            "controlled": ("Check",),
            "learnt_again": ("replay_sums",),
            "recorded_files": ("differing_files",),
            "report_file": ("check_and_keep", "load_reports"),
            "settled": ("Before", "needs_settling", "settle"),
            "taken_again": ("replay_run",),
            "twin_distance": ("CLOSER", "UNMEASURED", "Distances", "Nearness"),
        },
    )

__all__ = [
    "CLOSER",
    "UNMEASURED",
    "Before",
    "Check",
    "CheckReport",
    "Distances",
    "Nearness",
    "Unlearned",
    "check_and_keep",
    "differing_files",
    "load_reports",
    "must_pass",
    "needs_settling",
    "replay",
    "replay_run",
    "replay_sums",
    "settle",
]

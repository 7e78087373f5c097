"""How an unlearned model behaves, beside the untouched and the retrained one.

verdict            passed, failed or uninformative, with reasons
policy             what a verdict demands
push_gate          judges within a run, and may stop the push
models_compared    the three models; `from_ledgers` and `from_saved_models` open them
keras_outputs      asks a plain Keras SavedModel
ladder             rungs of verification, strongest first
behaviour          where it tells untouched from retrained; `distributions` and `intervals` by
                   which statistics
guards             what a deletion must not break
measures           that decide nothing; `charts` to be drawn
finding            what one check found
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.evaluation.from_saved_models import ToEvaluate, read_evaluated
    from unlearning.evaluation.policy import Policy, read_policy
    from unlearning.evaluation.push_gate import (
        demanded,
        evaluate_and_keep,
        evaluation_bytes,
        evaluation_digests,
        load_evaluations,
        must_be_accepted,
        past_evaluation,
    )
    from unlearning.evaluation.verdict import evaluate
else:
    __getattr__ = lazily(
        __name__,
        {
            "from_saved_models": ("ToEvaluate", "read_evaluated"),
            "policy": ("Policy", "read_policy"),
            "push_gate": (
                "demanded",
                "evaluate_and_keep",
                "evaluation_bytes",
                "evaluation_digests",
                "load_evaluations",
                "must_be_accepted",
                "past_evaluation",
            ),
            "verdict": ("evaluate",),
        },
    )

__all__ = [
    "Policy",
    "ToEvaluate",
    "demanded",
    "evaluate",
    "evaluate_and_keep",
    "evaluation_bytes",
    "evaluation_digests",
    "load_evaluations",
    "must_be_accepted",
    "past_evaluation",
    "read_evaluated",
    "read_policy",
]

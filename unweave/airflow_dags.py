"""Training and deletion as DAGs for Airflow 2.11: a task for the gate, then one a component.

    with DAG("churn-train", schedule=None, max_active_runs=1, max_active_tasks=1, ...):
        training_tasks(["--csv", "people.csv", "--label-column", "label"], given=churn)

Nothing of the workspace is read where a definition is parsed, and TFX is not imported: the
components are known beforehand (`pipelines.definitions.shape`). What a run does not have of them is
skipped. The gate's task opens the run; a deletion has a branch for each model that it replaces, so
that their number is known from then on. What tasks pass on are the run's name and models' ids.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.decorators import task_group
from airflow.exceptions import AirflowException, AirflowSkipException

from pipelines.definitions import BRANCH, DELETION, TRAINING, Shape
from unweave.airflow import (
    Context,
    RunRequestsOperator,
    TrainOperator,
    UnweaveOperator,
    requests_named,
)

GATE, LAST = "gate", "RunRecorder"
Operators = dict[str, "ComponentOperator"]


class OpenTrainingOperator(TrainOperator):
    """Runs `unweave train` up to the end of the gate, and leaves the run open."""

    def answer(self, context: Context) -> Any:
        """Open a training; no model is replaced by it."""
        return _opened(context, self.train("--as-tasks"))


class OpenDeletionOperator(RunRequestsOperator):
    """Opens the first run of what is due, or goes on with one that was killed."""

    def answer(self, context: Context) -> Any:
        """Open a deletion, and tell which models it replaces; where nothing is due, none."""
        return _opened(context, self.run_due("--as-tasks"))


class ComponentOperator(UnweaveOperator):
    """Runs one component of the run that the gate's task has opened; skipped where it has none.

    In a `branch` the component is that of one model. The last one fails if a request that the
    trigger names still waits then.
    """

    def __init__(self, *, component: str, branch: bool = False, **given: Any) -> None:
        super().__init__(task_id=component, trigger_rule="none_failed", **given)
        self.component, self.branch = component, branch

    def answer(self, context: Context) -> Any:
        """Run the component, and tell which one of which run it was."""
        task, name = context["ti"], self.component
        run = task.xcom_pull(task_ids=GATE, key="run")
        if self.branch:
            name += f"_{task.xcom_pull(task_ids=GATE)[task.map_index]}"
        told = {} if run is None else self.run_command("component", name, "--run", run)
        if self.component == LAST:
            self.must_have_ended(requests_named(context))
        if not told:
            raise AirflowSkipException("Nothing is due.")
        if told["outcome"] == "is no part of it":
            raise AirflowSkipException(f"{name} is no part of {run}.")
        return {"run": run, "component": name, "outcome": told["outcome"]}


def training_tasks(
    arguments: Sequence[str],
    *,
    given: Mapping[str, Any],
    key_conn_id: str | None = None,
    outlets: Sequence[Any] = (),
) -> None:
    """Define the tasks of a training in the DAG around; `given` is what all operators are given.

    `arguments` are those that `unweave train` takes, but a name; `outlets` are updated at the end.
    """
    gate = OpenTrainingOperator(task_id=GATE, arguments=arguments, key_conn_id=key_conn_id, **given)
    _one_at_a_time(gate)
    _tasks(TRAINING, given, after=gate, outlets=outlets)


def deletion_tasks(
    *, given: Mapping[str, Any], due: str | None = None, outlets: Sequence[Any] = ()
) -> None:
    """Define the tasks of a deletion in the DAG around; `given` is what all operators are given.

    A run of the DAG is one of what `unweave run-requests` runs, by the same rule: the first.
    `outlets` are updated at its end.
    """
    gate = OpenDeletionOperator(task_id=GATE, due=due, **given)
    _one_at_a_time(gate)

    def branch(replaced: object) -> None:
        _tasks(BRANCH, given, branch=True)

    branches = task_group(group_id="model")(branch).expand(replaced=gate.output)
    made = _tasks(DELETION, given, after=gate, outlets=outlets)
    made["Eraser"].set_upstream(branches)


def _tasks(
    shape: Shape,
    given: Mapping[str, Any],
    *,
    after: UnweaveOperator | None = None,
    branch: bool = False,
    outlets: Sequence[Any] = (),
) -> Operators:
    made: Operators = {}
    for name in shape:
        ends = list(outlets) if name == LAST else []
        made[name] = ComponentOperator(component=name, branch=branch, outlets=ends, **given)
    for name, others in shape.items():
        made[name].set_upstream([made[one] for one in others])
        if after is not None and not others:
            made[name].set_upstream(after)
    return made


def _opened(context: Context, told: Mapping[str, Any]) -> list[str]:
    context["ti"].xcom_push("run", told.get("run"))
    return list(told.get("replaced", ()))


def _one_at_a_time(gate: UnweaveOperator) -> None:
    if gate.dag.max_active_tasks != 1:
        raise AirflowException(
            f"The DAG {gate.dag.dag_id} may run several tasks at once, and its workspace has one: "
            f"give it max_active_tasks=1."
        )

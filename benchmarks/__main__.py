"""Run the benchmarks: `python -m benchmarks [NAME...] [OPTION...]`; `--help` lists the options."""

import json
import os
import warnings
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks import (
    accuracy_shards,
    amnesiac_experiment,
    builtin_model,
    closure,
    coalescing,
    deletion_cost,
    deletion_growth,
    deletion_history,
    desk_speed,
    diabetes130,
    estimates,
    examples_rate,
    families,
    gate_rate,
    ingest_rate,
    large_data,
    lineage_scale,
    load,
    marginal,
    one_by_one,
    other_spellings,
    parallel_shards,
    partition_speedup,
    pipeline_cost,
    placement_cost,
    poison,
    scan_speed,
    training_overhead,
    update_codecs,
    verdicts,
)
from benchmarks.result import Result
from lineage_store.canonical import write_atomic

BENCHMARKS = {
    "training-overhead": training_overhead,
    "deletion-cost": deletion_cost,
    "partition-speedup": partition_speedup,
    "accuracy-shards": accuracy_shards,
    "coalescing": coalescing,
    "diabetes130": diabetes130,
    "one-by-one": one_by_one,
    "estimates": estimates,
    "load": load,
    "pipeline-cost": pipeline_cost,
    "lineage-scale": lineage_scale,
    "deletion-history": deletion_history,
    "other-spellings": other_spellings,
    "desk-speed": desk_speed,
    "ingest-rate": ingest_rate,
    "closure": closure,
    "placement-cost": placement_cost,
    "large-data": large_data,
    "parallel-shards": parallel_shards,
    "update-codecs": update_codecs,
    "marginal": marginal,
    "amnesiac-experiment": amnesiac_experiment,
    "verdicts": verdicts,
    "poison": poison,
    "scan-speed": scan_speed,
    "examples-rate": examples_rate,
    "gate-rate": gate_rate,
    "deletion-growth": deletion_growth,
    "builtin-model": builtin_model,
    "families": families,
}

WIDTH = 130


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)), metavar="[NAME]...")
@click.option("--quick", is_flag=True, help="Few rows and epochs: to see that it works.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write all numbers there.")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown, for docs/.")
@click.option(
    "--figures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Write the figures into this folder.",
)
@click.option("--list", "listed", is_flag=True, help="List the benchmarks and run none.")
def main(
    names: tuple[str, ...],
    quick: bool,
    file: Path | None,
    markdown: bool,
    figures: Path | None,
    listed: bool,
) -> None:
    """Run the benchmarks named, or all, and print a table for each."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    if listed:
        for name, module in BENCHMARKS.items():
            click.echo(f"{name:18} {module.__doc__.splitlines()[0]}")
        return
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, WIDTH)
    errors = Console(stderr=True, highlight=False)
    numbers = {}
    for name in names or BENCHMARKS:
        errors.print(
            f"[bold]{name}[/bold], load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )
        result = BENCHMARKS[name].run(quick=quick, tell=lambda text: errors.print(f"  {text}"))
        numbers[name] = {"load_after": os.getloadavg(), "quick": quick, **result.numbers}
        if markdown:
            click.echo(as_markdown(result))
        else:
            show(console, result)
        if figures is not None:
            for figure, drawn in result.figures.items():
                write_atomic(figures / figure, drawn)
        if file is not None:
            file.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")


def show(console: Console, result: Result) -> None:
    """Print a result: its table, then its sentences."""
    if result.rows:
        console.print(f"[bold]{result.title}[/bold]")
        table = Table(*result.columns, box=None)
        for row in result.rows:
            table.add_row(*row)
        console.print(table, soft_wrap=False)
    for note in result.notes:
        console.print(note, markup=False)
    console.print()


def as_markdown(result: Result) -> str:
    """Return a result as a Markdown table with its sentences below."""
    lines = [result.title, ""]
    if result.rows:
        table = [result.columns, ("---",) * len(result.columns), *result.rows]
        lines += [f"| {' | '.join(row)} |" for row in table] + [""]
    return "\n".join([*lines, *result.notes, ""])


if __name__ == "__main__":
    main()

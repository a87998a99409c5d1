"""The command line."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from nandoctor.clinic.programs import UsageError, check_cured, exit_code, leave, named, write_json

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def dense(
    example: Annotated[str | None, typer.Option(metavar="NAME", help="classifier, regression or mixed.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="[default: the example's]", show_default=False)] = None,
    seed: Annotated[int, typer.Option(help="Of the rows and the weights.")] = 0,
    fault: Annotated[str | None, typer.Option(metavar="NAME", help="Train with this fault.")] = None,
    cured: Annotated[bool, typer.Option("--cured", help="With --fault: the same circumstances, and the cure.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the faults.")] = False,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Train a small dense network on a table of scikit-learn: a classifier, a regression, or one in mixed precision.

    \b
    Examples:
      python -m nandoctor.clinic.dense
      python -m nandoctor.clinic.dense --example mixed
      python -m nandoctor.clinic.dense --list
      nandoctor run -m nandoctor.clinic.dense --fault clip-half-guard
      python -m nandoctor.clinic.dense --fault clip-half-guard --cured

    \b
    Exit code: 0 all losses are finite, 1 one is not, 2 an option
    cannot be used.
    """
    if list_:
        _list_faults()
        return
    check_cured(fault, cured=cured)

    from nandoctor.clinic.dense.training import train

    recipe = _recipe(example, fault, cured=cured)
    result = train(replace(recipe, epochs=epochs) if epochs else recipe, seed=seed, verbose=not quiet)
    if json is not None:
        write_json(json, {**asdict(result), "finite": result.finite})
    if not quiet:
        print(f"{result.measure} {result.score:.4f} on rows never trained on")
    if not result.finite:
        print("a loss is not finite; `nandoctor run -m nandoctor.clinic.dense ...` says why", file=sys.stderr)
        raise typer.Exit(1)


def _list_faults() -> None:
    from nandoctor.clinic.dense.faults import FAULTS

    for fault in FAULTS.values():
        print(f"{fault.name:<18} {fault.example:<11} {', '.join(fault.claims):<8} {fault.title}")
    print("\n--fault NAME trains with one; --fault NAME --cured with its cure.")


def _recipe(example: str | None, fault: str | None, *, cured: bool) -> Any:
    from nandoctor.clinic.dense.examples import EXAMPLES
    from nandoctor.clinic.dense.faults import FAULTS

    if fault is None:
        return named(EXAMPLES, example or "classifier", "--example")
    shown = named(FAULTS, fault, "--fault")
    if example not in (None, shown.example):
        raise UsageError(f"--fault {fault} is one of --example {shown.example}, not of {example}")
    return shown.applied(EXAMPLES[shown.example], cured=cured)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    return exit_code(app, "nandoctor.clinic.dense", arguments)


def entry() -> None:
    """End the process with the exit code."""
    leave(main())

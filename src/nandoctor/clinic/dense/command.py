"""The command line."""

from __future__ import annotations

import difflib
import json as json_format
import math
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class UsageError(ValueError):
    """Options that do not go together, or a name that is none."""


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
    if cured and fault is None:
        raise UsageError("--cured is the cure of a fault: give --fault NAME too; --list shows the names")

    from nandoctor.clinic.dense.training import train

    recipe = _recipe(example, fault, cured=cured)
    result = train(replace(recipe, epochs=epochs) if epochs else recipe, seed=seed, verbose=not quiet)
    if json is not None:
        found = {**asdict(result), "finite": result.finite}
        json.write_text(json_format.dumps(_plain(found), indent=1) + "\n")
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
        return _named(EXAMPLES, example or "classifier", "--example")
    shown = _named(FAULTS, fault, "--fault")
    if example not in (None, shown.example):
        raise UsageError(f"--fault {fault} is one of --example {shown.example}, not of {example}")
    recipe = shown.circumstance(EXAMPLES[shown.example])
    return recipe if cured else shown.mistake(recipe)


def _named(table: dict[str, Any], name: str, option: str) -> Any:
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UsageError(f"{option} {name} is not one of {', '.join(table)}{hint}")


def _plain(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        app(arguments, prog_name="python -m nandoctor.clinic.dense")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def entry() -> None:
    """End the process with the exit code; a healthy end is a plain one."""
    code = main()
    if code:
        sys.exit(code)

"""`python -m nandoctor.clinic`, the benchmark: every case through nandoctor and its peers, and what each got right."""

from __future__ import annotations

import fnmatch
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from nandoctor.clinic.benchmark.scoring import Score, score
from nandoctor.clinic.benchmark.table import TOTALS, Row, Scores, case_rows, header, markdown, total_rows
from nandoctor.clinic.benchmark.tools import NANDOCTOR, PEERS, Tool, ask
from nandoctor.clinic.benchmark.truth import CASES, Truth, read_cases

WIDE = 120
"""Columns of the table where the output is no terminal."""


def run_benchmark(
    case: Annotated[
        list[str] | None, typer.Option(help="Only cases of this name; * and ? match. May be given again.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Your own scripts, each with its truth in the header.")] = CASES,
    tool: Annotated[
        list[str] | None,
        typer.Option(help="NAME=COMMAND with the places {json} and {script}, judged first. May be given again."),
    ] = None,
    peers: Annotated[bool, typer.Option(help="Run TerminateOnNaN and check_numerics, too.")] = True,
    jobs: Annotated[int, typer.Option(min=1, help="Scripts at the same time.")] = max(1, (os.cpu_count() or 1)),
    limit: Annotated[float, typer.Option(min=1, help="Seconds for one script.")] = 300.0,
    json_: Annotated[Path | None, typer.Option("--json", help="Write every answer as JSON.")] = None,
    markdown_: Annotated[Path | None, typer.Option("--markdown", help="Write the tables as Markdown.")] = None,
) -> None:
    """Run scripts with a known fault through nandoctor and its peers, and print what each got right.

    A script says in its header which cause, line and rows are right; healthy ones must not be accused.

    \b
    Examples:
      python -m nandoctor.clinic
      python -m nandoctor.clinic --case 'siamese*' --no-peers
      python -m nandoctor.clinic --folder my_scripts --tool 'mine=mytool --out {json} {script}'

    \b
    Exit code: 0 all right, 1 something was missed or a healthy script accused
    (by the first tool), 2 wrong command line.
    """
    truths = _chosen(folder, case or ["*"])
    tools = [*map(_parse_tool, tool or []), NANDOCTOR, *(PEERS if peers else ())]
    scores = _judge(truths, tools, jobs, limit)
    if json_:
        json_.write_text(_as_json(scores), encoding="utf-8")
    if markdown_:
        both = (markdown(header(scores), case_rows(scores)), markdown(*_totals(scores)))
        markdown_.write_text("\n".join(both), encoding="utf-8")
    _show(scores)
    first = next(iter(scores.values()))
    raise typer.Exit(0 if len(first) == len(truths) and all(s.right for s in first) else 1)


def _chosen(folder: Path, patterns: Sequence[str]) -> list[Truth]:
    try:
        truths = read_cases(folder)
    except (ValueError, OSError, SyntaxError) as error:
        raise typer.BadParameter(str(error)) from error
    wanted = [p.replace("_", "-") for p in patterns]
    chosen = [t for t in truths if any(fnmatch.fnmatch(t.path.stem.replace("_", "-"), p) for p in wanted)]
    if not chosen:
        raise typer.BadParameter(f"no case is called {' or '.join(patterns)}; there are {len(truths)} in {folder}")
    return chosen


def _parse_tool(text: str) -> Tool:
    name, _, command = text.partition("=")
    if not name or "{json}" not in command or "{script}" not in command:
        raise typer.BadParameter(f"a tool is NAME=COMMAND with the places {{json}} and {{script}}, this is {text!r}")
    return Tool(name, command)


def _judge(truths: Sequence[Truth], tools: Sequence[Tool], jobs: int, limit: float) -> Scores:
    """All answers; a line of progress for each. Interrupted, those that there are."""
    found: dict[str, list[Score]] = {tool.name: [] for tool in tools}
    for tool, result in _answers(truths, tools, jobs, limit):
        found[tool.name].append(result)
        done = sum(map(len, found.values()))
        mark = "right" if result.right else result.answer.trouble or result.answer.cause or "not named"
        print(f"{done}/{len(truths) * len(tools)} {tool.name}: {result.truth.path.stem}: {mark}", file=sys.stderr)
    return {name: sorted(own, key=lambda s: s.truth.path) for name, own in found.items()}


def _answers(truths: Sequence[Truth], tools: Sequence[Tool], jobs: int, limit: float) -> Iterator[tuple[Tool, Score]]:
    pool = ThreadPoolExecutor(jobs)
    waiting = {pool.submit(ask, tool, truth.path, limit): (tool, truth) for truth in truths for tool in tools}
    try:
        for future in as_completed(waiting):
            tool, truth = waiting[future]
            yield tool, score(truth, future.result())
    except KeyboardInterrupt:
        print("interrupted; the table holds what was done until now", file=sys.stderr)
    finally:
        pool.shutdown(cancel_futures=True)


def _totals(scores: Scores) -> tuple[Row, list[Row]]:
    return TOTALS, total_rows(scores)


def _show(scores: Scores) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=WIDE)
    for columns, rows in ((header(scores), case_rows(scores)), _totals(scores)):
        table = Table(box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, no_wrap=column == "case")
        for row in rows:
            table.add_row(*row)
        console.print(table)
        console.print()


def _as_json(scores: Scores) -> str:
    def plain(s: Score) -> dict[str, object]:
        truth = {"case": s.truth.path.stem, "cause": s.truth.cause, "claims": s.truth.claims}
        judged = {"seen": s.seen, "cause": s.cause, "line": s.line, "sample": s.sample}
        judged |= {"proven": s.proven, "sound": s.sound}
        return {**truth, "answer": asdict(s.answer), "judged": judged}

    return json.dumps({name: [plain(s) for s in own] for name, own in scores.items()}, indent=2) + "\n"


if __name__ == "__main__":
    typer.run(run_benchmark)

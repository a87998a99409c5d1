"""`make clinic-proof`: is what nandoctor calls proven a cure? Applied, and the whole script run without nandoctor.

Each faulty case is copied, `nandoctor run --fix --yes` may change the copy, and the changed copy is run to its end with
an onlooker who knows nothing of nandoctor (`plainly.py`): all losses finite, the weights finite, the loss not rising.
"""

from __future__ import annotations

import fnmatch
import json
import os
import shlex
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from nandoctor.clinic.benchmark.plainly import verdict
from nandoctor.clinic.benchmark.table import markdown
from nandoctor.clinic.benchmark.tools import PYTHON, run_quietly
from nandoctor.clinic.benchmark.truth import CASES, Truth, read_cases

COLUMNS = ("case", "cause", "proven treatment", "safe or canonical", "run to its end without nandoctor")


@dataclass(frozen=True, slots=True)
class Proof:
    """One case: the treatment that was called proven and written, if one was, and what came of the changed script.

    `failed` is why that was no healthy training; None where it was.
    """

    truth: Truth
    remedy: str | None
    safety: str = ""
    canonical: bool = False
    failed: str | None = None

    @property
    def sound(self) -> bool:
        """Whether it is safe, or the canonical cure."""
        return self.remedy is not None and (self.safety == "safe" or self.canonical)


def prove(truth: Truth, limit: float) -> Proof:
    """Have a copy of a case fixed, and run what comes of it."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        script = folder / truth.path.name
        shutil.copyfile(truth.path, script)
        found = folder / "found.json"
        fix = f"{PYTHON} -m nandoctor run --no-capsule --fix --yes --json {found} {script}"
        run_quietly(shlex.split(fix), folder, limit)
        before, after = truth.path.read_text(encoding="utf-8"), script.read_text(encoding="utf-8")
        if before == after:
            return Proof(truth, None)
        treatment = _written(json.loads(found.read_bytes()))
        seen = folder / "seen.json"
        plainly = f"{PYTHON} -m nandoctor.clinic.benchmark.plainly {seen} {script}"
        in_time = run_quietly(shlex.split(plainly), folder, limit)
        failed = verdict(json.loads(seen.read_bytes())) if seen.is_file() else "it wrote nothing"
        failed = failed if in_time else f"over {limit:g} s"
        return Proof(truth, treatment["remedy"], treatment["safety"], treatment["canonical"], failed)


def _written(result: dict[str, Any]) -> dict[str, Any]:
    """The treatment that `--fix` has written: the first that is proven."""
    treatments = result["diagnoses"][-1]["treatments"]
    return next(t for t in treatments if (t.get("verification") or {}).get("finite"))


def run_proofs(
    case: Annotated[list[str] | None, typer.Option(help="Only cases of this name; * and ? match.")] = None,
    folder: Annotated[Path, typer.Option(help="Your own scripts, each with its truth in the header.")] = CASES,
    jobs: Annotated[int, typer.Option(min=1, help="Cases at the same time.")] = max(1, (os.cpu_count() or 1) // 2),
    limit: Annotated[float, typer.Option(min=1, help="Seconds for one script.")] = 400.0,
    markdown_: Annotated[Path | None, typer.Option("--markdown", help="Write the table as Markdown.")] = None,
) -> None:
    """Have every faulty case fixed, run the changed script to its end without nandoctor, and print what came of it.

    \b
    Examples:
      python -m nandoctor.clinic.benchmark.proof
      python -m nandoctor.clinic.benchmark.proof --case 'dense*'

    \b
    Exit code: 0 no treatment that was called proven failed, 1 one did.
    """
    patterns = [p.replace("_", "-") for p in case or ["*"]]
    truths = [t for t in read_cases(folder) if t.cause is not None and _matches(t, patterns)]
    proofs = []
    with ThreadPoolExecutor(jobs) as pool:
        for n, proof in enumerate(pool.map(lambda t: prove(t, limit), truths), 1):
            print(f"{n}/{len(truths)} {' | '.join(_row(proof))}", file=sys.stderr, flush=True)
            proofs.append(proof)
    table = markdown(COLUMNS, [_row(p) for p in proofs])
    if markdown_ is not None:
        markdown_.write_text(table, encoding="utf-8")
    written = [p for p in proofs if p.remedy is not None]
    failed = [p for p in written if p.failed is not None]
    print(table)
    sound = sum(p.sound for p in written)
    print(f"{len(written)} of {len(proofs)} cases have a proven treatment, {sound} one that is safe or canonical.")
    print(f"{len(failed)} of these failed when the changed script was run to its end without nandoctor.")
    raise typer.Exit(1 if failed else 0)


def _matches(truth: Truth, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatch(truth.path.stem.replace("_", "-"), p) for p in patterns)


def _row(proof: Proof) -> tuple[str, ...]:
    outcome = "" if proof.remedy is None else "healthy" if proof.failed is None else f"**{proof.failed}**"
    name = proof.truth.path.stem.replace("_", "-")
    kind = " and ".join(word for word, so in (("safe", proof.safety == "safe"), ("canonical", proof.canonical)) if so)
    return (name, proof.truth.cause or "", proof.remedy or "none", kind, outcome)


if __name__ == "__main__":
    typer.run(run_proofs)

"""A result as one HTML file that needs nothing else: no script, no network, no font, no second file.

All text of the user's (source, names, notes, values) is escaped by the template engine. The page's policy lets nothing
run and nothing load, so that a slip in the escaping would still be without effect.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nandoctor.errors import PageError
from nandoctor.findings import Diagnosis, Result, StepRecord, Treatment
from nandoctor.report import words
from nandoctor.report.batch import BatchView, view_batch
from nandoctor.report.chain import ChainView, view_chain
from nandoctor.report.charts import charts
from nandoctor.report.excerpt import Excerpt, excerpt
from nandoctor.report.words import headline, healthy, relative, rows_text, surface, undiagnosed

if TYPE_CHECKING:
    import jinja2
    from markupsafe import Markup

_ACTIONS = 20
"""Actions of a guard that are listed."""

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Finding:
    """One diagnosis, and what is shown of it."""

    diagnosis: Diagnosis
    headline: str
    excerpt: Excerpt | None
    surfaced: Excerpt | None
    chain: ChainView | None
    surface: str
    rows: str


def render_page(
    result: Result,
    history: tuple[StepRecord, ...] = (),
    batch: Mapping[str, np.ndarray] | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    sources: Mapping[str, str] | None = None,
) -> str:
    """The page of a result.

    Args:
        result: what was found.
        history: the steps before it, oldest first.
        batch: the batch's arrays by role; None where it is left out by the user's wish.
        environment: what it ran in, by name.
        sources: the text of source files by name, where they are not to be read from their place.

    Returns:
        A whole HTML document. It is written as UTF-8.

    Raises:
        PageError: the page cannot be made; whatever the reason, the result is as good as before.
    """
    try:
        return _rendered(result, history, batch, environment or {}, sources or {})
    except Exception as error:
        raise PageError(f"the HTML page could not be made ({type(error).__name__}: {error})") from error


def _rendered(
    result: Result,
    history: tuple[StepRecord, ...],
    batch: Mapping[str, np.ndarray] | None,
    environment: Mapping[str, str],
    sources: Mapping[str, str],
) -> str:
    findings = [_finding(d, result, sources) for d in result.diagnoses]
    return rendered(
        "page.html.j2",
        result=result,
        title=_title(result),
        verdict=_verdict(result),
        status=_status(result),
        findings=findings,
        charts=charts(history, _fault(result)),
        fault=_fault(result),
        batch=_batch(result, batch),
        batch_left_out=batch is None,
        actions_shown=_ACTIONS,
        environment=environment,
    )


def rendered(template: str, **values: Any) -> str:
    """A whole page made of a template, which may use the style sheet and its hash."""
    style = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
    style_hash = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    text = _template(template).render(style=style, style_hash=style_hash, **values)
    return text.lstrip().encode("utf-8", "replace").decode()  # a file name may hold bytes that are no text


@functools.cache
def _template(name: str) -> jinja2.Template:
    import jinja2

    engine = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters.update(prose=_prose, sentence=_sentence, relative=relative, diff_lines=_diff_lines, proof=_proof)
    return engine.get_template(name)


def _finding(diagnosis: Diagnosis, result: Result, sources: Mapping[str, str]) -> Finding:
    root, surfaced = diagnosis.location, diagnosis.surfaced
    elsewhere = surfaced is not None and (root is None or (surfaced.file, surfaced.line) != (root.file, root.line))
    return Finding(
        diagnosis=diagnosis,
        headline=headline(diagnosis, result),
        excerpt=None if root is None else excerpt(root, sources),
        surfaced=excerpt(surfaced, sources) if elsewhere and surfaced is not None else None,
        chain=view_chain(diagnosis.chain) if diagnosis.chain else None,
        surface=surface(diagnosis),
        rows=rows_text(diagnosis) if diagnosis.samples else "",
    )


def _status(result: Result) -> tuple[str, str]:
    """The status as a class of the style sheet, and as a word."""
    if result.status == "healthy":
        return ("healthy", "Healthy") if result.steps else ("unwatched", "Not watched")
    return ("fault", "Fault") if result.status == "fault" else ("fault", "Script error")


def _verdict(result: Result) -> tuple[str, str]:
    """What happened: the first sentence, and the rest."""
    if result.diagnoses:
        text = headline(result.diagnoses[0], result)
    elif result.status == "fault":
        text = undiagnosed(result)
    elif result.status == "script-error":
        text = f"the script ended with an error. {healthy(result)}"
    elif result.steps:
        text = f"every step was finite. {_sentence(healthy(result).partition('. ')[2])}"
    else:
        text = healthy(result)
    first, _, rest = text.partition(". ")
    return _sentence(first.rstrip(".:") + "."), _sentence(rest)


def _title(result: Result) -> str:
    if not result.diagnoses:
        return _verdict(result)[0].rstrip(".")
    first = result.diagnoses[0]
    return f"{first.code} {first.cause}, step {first.step:,}"


def _fault(result: Result) -> int | None:
    """The step to mark in the charts; a validation marks none."""
    if not result.diagnoses:
        broke = next((action.step for action in result.actions), result.steps + 1)
        return broke if result.status == "fault" else None
    first = result.diagnoses[0]
    return None if first.phase == "validation" else first.step


def _batch(result: Result, batch: Mapping[str, np.ndarray] | None) -> BatchView | None:
    if not batch:
        return None
    return view_batch(batch, result.diagnoses[0].samples if result.diagnoses else ())


def _sentence(text: str) -> str:
    """With a capital letter in front."""
    return text[:1].upper() + text[1:]


def _prose(text: str) -> Markup:
    """A sentence in which `code` stands in backticks, as HTML."""
    from markupsafe import Markup

    parts = re.split(r"`([^`]+)`", text)
    marked = [Markup("<code>{}</code>").format(p) if n % 2 else Markup("{}").format(p) for n, p in enumerate(parts)]
    return Markup("").join(marked)


def _diff_lines(diff: str) -> list[tuple[str, str]]:
    """Each line of a diff with what it is."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    heads = ("+++", "---")
    return [("place" if line.startswith(heads) else kinds.get(line[:1], "same"), line) for line in diff.splitlines()]


def _proof(treatment: Treatment) -> tuple[str, tuple[tuple[str, bool], ...]]:
    """What replaying with a treatment showed: a sentence, and each test with its outcome."""
    shown = treatment.verification
    if shown is None:
        return "", ()
    if shown.not_possible:
        return words.proof(shown), ()
    tests: tuple[tuple[str, Any], ...] = (
        ("the step is finite", shown.finite),
        ("its gradients are finite", shown.gradients_finite),
        ("the training still learns", shown.still_learns),
        ("healthy batches are unchanged", shown.healthy_unchanged),
    )
    return words.proof(shown), tuple((text, ok) for text, ok in tests if ok is not None)

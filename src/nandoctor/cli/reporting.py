"""What `nandoctor run` says and writes when the script has ended: the finding, its remedies, the JSON and the page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nandoctor.cli.executing import FAULT, Ended
from nandoctor.cli.output import write_file, write_json
from nandoctor.cli.restart import what_to_start
from nandoctor.errors import NandoctorError, PageError
from nandoctor.findings import Result
from nandoctor.report.terminal import healthy_line, print_result, print_treatments, went_on_line
from nandoctor.report.words import PAGE, relative
from nandoctor.watch.reading import read_capsule

if TYPE_CHECKING:
    from nandoctor.cli.run import Session
    from nandoctor.treat.proposal import Proposal


def report(session: Session, ended: Ended) -> tuple[int, Result]:
    """Say what a run has found and write it where the user wants it; its exit code, and the result."""
    result = session.result()
    if ended.message is not None:
        print(ended.message, file=sys.stderr)
    failed = ended.code != 0 and result.status != "fault"
    if failed:
        result = msgspec.structs.replace(result, status="script-error")
    sys.stdout.flush()
    _say(session, result, failed=failed)
    best, treated_page = None, None
    if _can_be_treated(session, result):
        result, best, treated_page = _treated(session, result)
    unwritten = session.options.json is not None and not _written_json(result, session.options.json)
    page = _written_page(session, result, treated_page)
    if session.options.open and result.diagnoses:
        _open_page(page)
    if session.options.wishes is not None and result.diagnoses:
        from nandoctor.cli.treating import apply

        apply(best, session.options.wishes, session.script)
    return (FAULT if result.status == "fault" else ended.code or 2 * unwritten), result


def _say(session: Session, result: Result, *, failed: bool) -> None:
    """Print what was found, less what has been printed already."""
    if session.said and result.actions:
        print(f"\n{went_on_line(result)}", file=sys.stderr)
    elif session.said:
        print(
            f"\nnandoctor: {session.steps:,} steps watched. The validation's fault is reported above.", file=sys.stderr
        )
    elif session.reported:
        pass
    elif result.diagnoses or result.status == "fault":
        print_result(result, sys.stderr, untreated=_can_be_treated(session, result))
    elif not failed and not session.options.quiet:
        print(healthy_line(result), file=sys.stderr)


def _can_be_treated(session: Session, result: Result) -> bool:
    return session.options.wishes is not None and bool(result.diagnoses) and result.capsule is not None


def _treated(session: Session, result: Result) -> tuple[Result, Proposal | None, str | None]:
    """Try the remedies of the last finding; the result, the change that is proven, and the page with both."""
    assert result.capsule is not None
    assert session.options.wishes is not None
    from nandoctor.cli.treating import renewed, treat  # parses sources: a healthy run needs none of it
    from nandoctor.treat.treating import Fault

    best, page = None, None
    try:
        stored = read_capsule(result.capsule)
        fault = Fault(stored, what_to_start(stored, None), session.entropy)
    except NandoctorError as error:
        result = msgspec.structs.replace(result, notes=(*result.notes, f"no remedy was tried: {error}"))
    else:
        outcome = treat(fault, result, session.options.wishes)
        result, best = renewed(stored, outcome.result), outcome.best
        page = _page_of(stored.folder)
    if not session.options.keep_capsule:
        result = msgspec.structs.replace(result, capsule=None)
    print_treatments(result, sys.stderr, offer=not session.options.wishes.fix)
    return result, best, page


def _page_of(folder: Path) -> str | None:
    path = folder / PAGE
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _written_json(result: Result, target: str) -> bool:
    """Write it; where that fails in the end, say so and lose nothing else."""
    try:
        write_json(result, target)
    except NandoctorError as error:
        print(f"nandoctor: error: {error}", file=sys.stderr)
        return False
    return True


def _written_page(session: Session, result: Result, made: str | None = None) -> Path | None:
    """Write the page to where the user wants it; where a page of the result lies, there or in its capsule."""
    target = session.options.html
    if target is not None:
        try:
            content = (made or session.page(result)).encode()
        except PageError as error:
            print(f"nandoctor: {error}; --html {target} was not written.", file=sys.stderr)
            target = None
        else:
            write_file(content, target, "--html")
    if target not in (None, "-"):
        return Path(str(target))
    page = None if result.capsule is None else Path(result.capsule) / PAGE
    return page if page is not None and page.is_file() else None


def _open_page(page: Path | None) -> None:
    """Show the page in the user's browser; a run never fails for want of one."""
    if page is None:
        print("nandoctor: there is no page to open.", file=sys.stderr)
        return
    import webbrowser

    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except Exception:  # whatever a browser's command does
        opened = False
    if not opened:
        print(f"nandoctor: no browser could be started; the page is {relative(str(page))}", file=sys.stderr)

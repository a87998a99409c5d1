"""`nandoctor audit`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nandoctor.audit.auditing import Audited, examine
from nandoctor.audit.kept import kept_bytes, read_kept
from nandoctor.audit.listing import listed_rows
from nandoctor.audit.readers.paths import resolve
from nandoctor.audit.readers.table import Request
from nandoctor.audit.repair import Target, check_target, repair, repair_of
from nandoctor.audit.wishes import Wishes
from nandoctor.cli.output import check_file, write_chunks, write_file
from nandoctor.errors import NandoctorError, PageError
from nandoctor.findings import to_json
from nandoctor.report.audit import print_audit, print_repair
from nandoctor.report.audit_progress import reading

FINDINGS = 1
INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions:
    """What the command line asks beside the data and what they are meant for."""

    validation: str | None = None
    against: str | None = None
    save_profile: str | None = None
    workers: int | None = None
    engine: str = "threads"
    json: str | None = None
    html: str | None = None
    rows: str | None = None
    fix: str | None = None
    quiet: bool = False


def _check_some_are_there(data: Any) -> None:
    """Of several names on a command line none is data of its own, as a list of texts in memory would be."""
    if isinstance(data, list) and resolve(data) is None:
        raise NandoctorError(f"there is no file or folder {data[0]}, nor any other of these: looked in {os.getcwd()}.")


def audit_data(request: Request, wishes: Wishes, options: AuditOptions) -> int:
    """Audit, report, write what is asked for; the exit code.

    Raises:
        NandoctorError: the data cannot be opened, or a file not be written.
    """
    _check_some_are_there(request.data)
    target = _checked(options)
    try:
        audited = _examined(request, wishes, options)
    except KeyboardInterrupt:
        print("nandoctor: interrupted before there was anything to report; nothing was written.", file=sys.stderr)
        return INTERRUPTED
    stream = sys.stderr if "-" in _files(options).values() else sys.stdout
    loss = None if wishes.loss is None else wishes.loss.name
    print_audit(audited.result, stream, loss=loss, rows_asked=options.rows is not None)
    _write(audited, options, loss)
    if target is not None and audited.whole:
        wanted = repair_of(audited)
        repair(audited, wanted, target)
        print_repair(wanted, target, stream)
    if not audited.whole:
        return INTERRUPTED
    return FINDINGS if audited.result.status == "fault" or audited.profile.broken else 0


def _files(options: AuditOptions) -> dict[str, str | None]:
    """What is to be written, by its option."""
    return {
        "--json": options.json,
        "--html": options.html,
        "--save-profile": options.save_profile,
        "--rows": options.rows,
    }


def _checked(options: AuditOptions) -> Target | None:
    """What `--fix` is to write; before anything is read, everything that could not be written is told."""
    files = _files(options)
    for option, file in files.items():
        check_file(file, option)
    listed = f"{', '.join(list(files)[:-1])} and {list(files)[-1]}"
    if sum(file == "-" for file in files.values()) > 1:
        raise NandoctorError(f"only one of {listed} can go to standard output. Name files.")
    return None if options.fix is None else check_target(Path(options.fix))


def _examined(request: Request, wishes: Wishes, options: AuditOptions) -> Audited:
    against = None if options.against is None else read_kept(options.against)
    with reading(sys.stderr, quiet=options.quiet) as shown:
        return examine(
            request,
            wishes,
            validation=options.validation,
            against=against,
            workers=options.workers,
            engine=options.engine,
            on_source=lambda source: shown.begins(source.name, source.rows),
            on_rows=shown.rows,
        )


def _write(audited: Audited, options: AuditOptions, loss: str | None) -> None:
    if options.json is not None:
        write_file(to_json(audited.result), options.json, "--json")
    if options.save_profile is not None:
        write_file(_profile(audited), options.save_profile, "--save-profile")
    if options.rows is not None:
        write_chunks(listed_rows(audited, options.rows), options.rows, "--rows")
    if options.html is not None:
        _write_page(audited, options.html, loss)


def _profile(audited: Audited) -> bytes:
    result = audited.result
    return kept_bytes(audited.profile, data=result.data, classes=audited.about.classes, partial=result.partial)


def _write_page(audited: Audited, target: str, loss: str | None) -> None:
    from nandoctor.report.audit_page import render_audit  # only a page needs a template engine

    try:
        page = render_audit(audited, loss=loss)
    except PageError as error:
        print(f"nandoctor: {error}; --html {target} was not written.", file=sys.stderr)
        return
    write_file(page.encode(), target, "--html")

"""`nandoctor audit`."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from nandoctor.audit.auditing import examine
from nandoctor.audit.readers.table import Request
from nandoctor.audit.wishes import Wishes
from nandoctor.cli.output import check_file, write_file
from nandoctor.findings import to_json
from nandoctor.report.audit import print_audit

FINDINGS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions:
    """What the command line asks beside the data and what they are meant for."""

    validation: str | None = None
    workers: int | None = None
    json: str | None = None
    quiet: bool = False


def audit_data(request: Request, wishes: Wishes, options: AuditOptions) -> int:
    """Audit, report, write what is asked for; the exit code.

    Raises:
        NandoctorError: the data cannot be opened, or a file not be written.
    """
    check_file(options.json)
    audited = examine(request, wishes, validation=options.validation, workers=options.workers)
    print_audit(audited.result, sys.stderr if options.json == "-" else sys.stdout)
    if options.json is not None:
        write_file(to_json(audited.result), options.json, "--json")
    return FINDINGS if audited.result.status == "fault" else 0

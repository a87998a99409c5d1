"""The one table of checks. A new one is one file beside this one, and one line here."""

from __future__ import annotations

from nandoctor.audit.checks import nonfinite
from nandoctor.audit.checks.check import Check

CHECKS: tuple[Check, ...] = (nonfinite.CHECK,)

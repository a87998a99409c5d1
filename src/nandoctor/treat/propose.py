"""From a diagnosis to changes that might cure it, the likeliest first; each is a whole new text of the user's files."""

from __future__ import annotations

import os
from collections.abc import Iterator

import libcst as cst

from nandoctor.errors import TreatError
from nandoctor.findings import Diagnosis, Location
from nandoctor.treat.proposal import Proposal
from nandoctor.treat.remedies import RECIPES
from nandoctor.treat.site import Site, Style
from nandoctor.treat.source import Source


def proposals(
    diagnosis: Diagnosis, script: str | None, *, style: Style = "plain", rate: float | None = None
) -> Iterator[Proposal]:
    """What the remedies of a diagnosis come to in the user's source.

    Args:
        diagnosis: its treatments name the remedies, best first.
        script: the path of the script that was started, where settings are made; None where it was a module.
        style: whether plain calls of the framework are written, or nandoctor's.
        rate: the learning rate of the last healthy step.
    """
    site = site_of(diagnosis, script, style=style, rate=rate)
    if site is None:
        return
    seen: set[tuple[tuple[str, str], ...]] = set()
    for treatment in diagnosis.treatments:
        for proposal in _written(treatment.remedy, site):
            key = tuple(sorted(proposal.texts.items()))
            if key not in seen and proposal.texts != proposal.before:
                seen.add(key)
                yield proposal


def site_of(
    diagnosis: Diagnosis, script: str | None, *, style: Style = "plain", rate: float | None = None
) -> Site | None:
    """Where the diagnosis is in the user's source; None where that is not a file that can be read and parsed."""
    place = diagnosis.location
    if place is None or not os.path.isfile(place.file):
        return None
    try:
        source = Source.read(place.file)
        node = source.at(place)
        main = source if script is None or os.path.samefile(script, place.file) else Source.read(script)
    except (TreatError, OSError):
        return None
    if node is None or not _is_as_seen(_seen(source, node), place):
        return None
    return Site(diagnosis, source, node, main, style, rate)


def _seen(source: Source, node: cst.BaseExpression) -> str:
    """The text of a place: of what a statement assigns the statement, of a function's name the whole function."""
    parent = source.parent(node)
    named = isinstance(parent, cst.FunctionDef) and parent.name is node
    stated = isinstance(parent, (cst.Assign, cst.AnnAssign, cst.AugAssign)) and parent.value is node
    return source.code(parent if parent is not None and (named or stated) else node)


def _is_as_seen(code: str, place: Location) -> bool:
    """Whether a place still holds what was read there when the fault was found: the file may have changed since."""
    seen, found = "".join(place.code.split()), "".join(code.split())
    return not seen or seen in found or found in seen or "#" in code  # a statement is seen whole, its value is found


def _written(remedy: str, site: Site) -> Iterator[Proposal]:
    """The forms of one remedy; one that does not fit the source is passed over."""
    recipe = RECIPES.get(remedy)
    if recipe is None:
        return
    forms = recipe(site)
    while True:
        try:
            proposal = next(forms, None)
        except TreatError:
            return
        if proposal is None:
            return
        yield proposal

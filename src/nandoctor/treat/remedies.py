"""The one table of remedies that can be written into a user's source. A new one is a function, and one line here.

Which remedies a cause has, and in which order, its own file says (`Suspicion.treatments`); here is how each is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nandoctor.treat.proposal import Proposal
from nandoctor.treat.recipes import floors
from nandoctor.treat.site import Site

Recipe = Callable[[Site], Iterator[Proposal]]
"""Writes a remedy at a site, the likeliest form first; nothing where the source there is not what it is for."""

RECIPES: dict[str, Recipe] = {
    "floor-inside-root": floors.inside_root,
}

"""What `mkdocs build` makes from the source, so that it is written once, and what it checks.

A page for each cause (its docstring), their index, and the changelog are made here and never committed. What
README.md and `json.md` repeat from the source is compared with it: a difference is a warning, which fails
`mkdocs build --strict`.
"""

from __future__ import annotations

import logging
import re
from itertools import groupby
from pathlib import Path

import msgspec
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from nandoctor import findings
from nandoctor.causes.catalogue import CATALOGUE
from nandoctor.causes.cause import Cause
from nandoctor.cli.explain import FAMILIES

ROOT = Path(__file__).resolve().parent.parent
LOG = logging.getLogger("mkdocs.hooks.nandoctor")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the causes into the navigation."""
    families = [{family: [{cause.id: _uri(cause)} for cause in causes]} for family, causes in _by_family()]
    config.nav = [
        {"Causes": [{"All causes": "causes/index.md"}, *families]} if "Causes" in n else n for n in config.nav
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    pages = {_uri(cause): _linked(cause) for cause in CATALOGUE}
    pages["causes/index.md"] = _index()
    pages["changelog.md"] = _text("CHANGELOG.md")
    for uri, text in pages.items():
        files.append(File.generated(config, uri, content=text))
    _check_readme()
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Compare `json.md` with the types."""
    if page.file.src_uri == "json.md":
        _check_schema(markdown)
    return markdown


def _uri(cause: Cause) -> str:
    return f"causes/{cause.id}.md"


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _by_family() -> list[tuple[str, list[Cause]]]:
    """The causes of each family, named as in the codes: `1xx data`."""
    groups = groupby(CATALOGUE, key=lambda cause: cause.code[2])
    return [(f"{digit}xx {FAMILIES[digit]}", list(causes)) for digit, causes in groups]


def _linked(cause: Cause) -> str:
    """A cause's page; where it names another cause, a link to that one's page."""
    others = {other.id for other in CATALOGUE} - {cause.id}
    return re.sub(r"`([a-z-]+)`", lambda m: f"[{m[0]}]({m[1]}.md)" if m[1] in others else m[0], cause.page)


def _index() -> str:
    lines = [
        "# Causes",
        "",
        "`nandoctor explain ID` prints the same pages in a terminal; a code will do for an id.",
    ]
    for family, causes in _by_family():
        lines += ["", f"## {family}", "", "| code | id | what it is |", "| --- | --- | --- |"]
        lines += [f"| {cause.code} | [{cause.id}]({cause.id}.md) | {cause.title} |" for cause in causes]
    return "\n".join(lines) + "\n"


def _check_readme() -> None:
    readme = _text("README.md")
    for cause in CATALOGUE:
        if not re.search(rf"^\| {cause.code} \| .*{cause.id}.* \| {re.escape(cause.title)}", readme, re.M):
            LOG.warning("README.md: the table of causes has no row '%s | %s | %s'", cause.code, cause.id, cause.title)
    if _text("docs/example/transcript.txt") not in readme:
        LOG.warning("README.md: the transcript is not that of docs/example/transcript.txt")


def _check_schema(markdown: str) -> None:
    """Each type of `findings` has a section with a row for each field, and no other; the example can be read back."""
    sections = dict(re.findall(r"^## (\w+)$(.*?)(?=^## |\Z)", markdown, re.M | re.S))
    for name, kind in vars(findings).items():
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            written = re.findall(r"^\| `(\w+)` \|", sections.get(name, ""), re.M)
            if written != list(kind.__struct_fields__):
                LOG.warning("json.md: the fields of %s are %s, not %s", name, kind.__struct_fields__, written)
    for example in re.findall(r"^```json\n(.*?)^```$", markdown, re.M | re.S):
        try:
            findings.result_from_json(example)
        except msgspec.MsgspecError as error:
            LOG.warning("json.md: the example cannot be read: %s", error)

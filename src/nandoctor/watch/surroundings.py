"""What differs between the place where a capsule was made and this one."""

from __future__ import annotations

import os
import platform

from nandoctor.watch.started import Started, hash_of, user_files
from nandoctor.watch.store import Manifest, git_revision, versions


def script_differs(manifest: Manifest, script: str) -> bool:
    """Whether a script has another content than the recorded one."""
    recorded = _of_script(manifest)
    return recorded is not None and hash_of(script) != recorded


def _of_script(manifest: Manifest) -> str | None:
    started = _started(manifest)
    if started is None or started.kind != "file":
        return None
    return manifest.sources.get(os.path.realpath(started.target)) or next(iter(manifest.sources.values()), None)


def _started(manifest: Manifest) -> Started | None:
    return manifest.started if manifest.rerun is None else manifest.rerun.started


def differences(manifest: Manifest, started: Started) -> tuple[str, ...]:
    """Each in a few words; empty where nothing that was recorded is different here."""
    found = [f"{name} {then} then, {now} now" for name, then, now in _versions(manifest) if then != now]
    changed = _changed_sources(manifest, started)
    if changed:
        shown = ", ".join(changed[:5]) + (f" and {len(changed) - 5} more" if len(changed) > 5 else "")
        found.append(f"the content of {shown}")
    now = git_revision()
    if manifest.git_revision and now and manifest.git_revision != now:
        found.append(f"git revision {manifest.git_revision[:12]} then, {now[:12]} now")
    return tuple(_printable(text) for text in found)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _versions(manifest: Manifest) -> list[tuple[str, str, str]]:
    now = versions()
    names = sorted({*manifest.packages, *now})
    rows = [(name, manifest.packages.get(name, "absent"), now.get(name, "absent")) for name in names]
    return [
        ("Python", manifest.python, platform.python_version()),
        ("system", manifest.platform, platform.platform()),
        *rows,
    ]


def _changed_sources(manifest: Manifest, started: Started) -> list[str]:
    """The user's files that were loaded then and have another content now, relative to the script."""
    then, now = _relative(manifest.sources, _started(manifest)), _relative(_loaded(started), started)
    return [name for name, digest in then.items() if name in now and now[name] != digest]


def _loaded(started: Started) -> dict[str, str]:
    """What is loaded now, and the script also where it has ended."""
    script = os.path.realpath(started.target)
    digest = hash_of(script) if started.kind == "file" else None
    return user_files() if digest is None else {**user_files(), script: digest}


def _relative(files: dict[str, str], started: Started | None) -> dict[str, str]:
    """By path from the script's folder (for a module: from the working directory)."""
    if started is None:
        return {}
    base = os.path.dirname(os.path.realpath(started.target)) if started.kind == "file" else started.folder
    return {os.path.relpath(file, base): digest for file, digest in files.items()}

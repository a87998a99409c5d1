"""The machines of a Ray cluster.

Each part is a task, and not an item of a `ray.data` dataset. What `ray.data` adds is a plan of operators over blocks of
rows; here the parts are known, and a profile is no block of rows. A task gives what an audit needs and a dataset lacks:
results in the order of the rows as they come, so that Ctrl-C keeps what is merged; and a part that is lost for good is
one broken part among others, instead of the end of the job.
"""

from __future__ import annotations

import collections
import itertools
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from nandoctor.audit.engines.part import Joined, profile_part
from nandoctor.audit.probes import Probe
from nandoctor.audit.profile.profile import Profile
from nandoctor.audit.source import Part, Source
from nandoctor.audit.told import told
from nandoctor.errors import NandoctorError

RETRIES = 3
"""How often a part is read again whose machine or process died. An error of the data is no reason to: it stays."""


def profile_with_ray(
    source: Source, probes: Sequence[Probe], *, workers: int | None, on_rows: Callable[[int], None]
) -> tuple[Profile, bool]:
    """The profile of a source, and whether that is all of it: Ctrl-C ends the reading, and keeps what was read.

    Args:
        source: its parts are a sequence.
        probes: what the rows are asked.
        workers: tasks at once; None: what the cluster has room for.
        on_rows: is told of the rows of each part once it has been read.

    Raises:
        NandoctorError: Ray is not installed, or the cluster cannot be reached.
    """
    with _cluster(workers) as (ray, at_once):
        submit = _submitting(ray, probes)
        remaining = iter(source.parts())
        running = collections.deque((part, submit(part)) for part in itertools.islice(remaining, at_once))
        found = Joined()
        try:
            while running:
                profile = _result(ray, *running[0])
                running.popleft()  # before it is added: an interruption in between leaves a part out, but none twice
                found.add(profile)
                on_rows(profile.rows)
                running.extend((part, submit(part)) for part in itertools.islice(remaining, 1))
        except KeyboardInterrupt:
            for _, task in running:
                ray.cancel(task, force=True)
            return found.whole(), False
    return found.whole(), True


def _submitting(ray: Any, probes: Sequence[Probe]) -> Callable[[Part], Any]:
    """What makes a part a task; the machines take turns, since what takes time is mostly the reading."""
    task = ray.remote(num_cpus=1, max_retries=RETRIES, scheduling_strategy="SPREAD")(_profile)
    asked, folder = ray.put(tuple(probes)), os.getcwd()
    return lambda part: task.remote(part, asked, folder)


def _profile(part: Part, probes: Sequence[Probe], folder: str) -> Profile:
    """On a machine of the cluster; relative paths are of the folder of the program, if that is there, too."""
    if os.path.isdir(folder):
        os.chdir(folder)
    return profile_part(part, probes)


def _result(ray: Any, part: Part, task: Any) -> Profile:
    """Of a part whose task failed for good: that it is broken, as of a file that cannot be read."""
    try:
        profile: Profile = ray.get(task)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        return Profile(broken=((part.name, told(cause if isinstance(cause, Exception) else error)),))
    return profile


# -- the cluster ----------------------------------------------------------------------------------


@contextmanager
def _cluster(workers: int | None) -> Iterator[tuple[Any, int]]:
    """Ray, with the cluster that runs, or one of this machine; and how many tasks are to be under way at once.

    Raises:
        NandoctorError: Ray is not installed, or the cluster cannot be reached.
    """
    ray = _ray()
    if ray.is_initialized():  # by the user's program, which goes on using it
        yield ray, _at_once(ray, workers)
        return
    own = not _connected(ray)
    if own:
        ray.init(num_cpus=workers, include_dashboard=False, **_quiet())
    try:
        yield ray, _at_once(ray, None if own else workers)
    finally:
        ray.shutdown()


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what Ray will do by itself, and warns of
    try:
        import ray
    except ImportError as error:
        raise NandoctorError(
            "the engine ray needs Ray, which is not installed: pip install 'nandoctor[cluster]'"
        ) from error
    return ray


def _connected(ray: Any) -> bool:
    """Whether there is a cluster that runs: the one of RAY_ADDRESS, else one that was started on this machine."""
    address = os.environ.get("RAY_ADDRESS", "")
    if address == "local":
        return False
    try:
        ray.init(address=address or "auto", **_quiet())
    except (ConnectionError, RuntimeError, ValueError) as error:
        if not address:
            return False
        raise NandoctorError(
            f"no cluster answers at RAY_ADDRESS={address} ({told(error)}). Start it (ray start --head), or unset"
            " RAY_ADDRESS to read on this machine."
        ) from error
    return True


def _quiet() -> dict[str, Any]:
    return {"logging_level": logging.ERROR, "log_to_driver": False}


def _at_once(ray: Any, workers: int | None) -> int:
    """Twice as many as run, so that none waits for its next part."""
    return workers or 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))

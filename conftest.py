"""The numerics are tested in a process of their own, once for each backend (`make backends`).

They use their backend in the test process itself, and the judging scripts are forks of one that must not have.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parent
APART = (ROOT / "src/nandoctor/numerics", ROOT / "src/nandoctor/clinic", ROOT / "tests/numerics")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave them out of a run whose command line does not name them."""
    if collection_path not in APART:
        return None
    named = [Path(config.invocation_params.dir, argument.partition("::")[0]) for argument in config.args]
    return None if any(path.is_relative_to(collection_path) for path in named) else True

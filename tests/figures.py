"""Lines for the end of a run's output: how much its tests have looked at; a plug-in of the test run.

It must not judge: a figure that is too small fails in the test that tells it.
"""

from collections.abc import Callable
from typing import Any

import pytest

FIGURES = pytest.StashKey[list[str]]()
LATE = pytest.StashKey[dict[str, Callable[[], str]]]()
"""Figures that are known when the run ends, by what they are of."""


def lines_of(config: pytest.Config) -> list[str]:
    """The lines so far of this process, to be added to."""
    return config.stash.setdefault(FIGURES, [])


class Told:
    """Brings the lines of all processes to the end of the output."""

    def __init__(self) -> None:
        self._of_workers: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        lines = lines_of(session.config)
        lines += [line for tell in session.config.stash.get(LATE, {}).values() if (line := tell())]
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["figures"] = lines

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._of_workers += getattr(node, "workeroutput", {}).get("figures", [])

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        for line in sorted(self._of_workers) + lines_of(config):
            terminalreporter.write_line(line)

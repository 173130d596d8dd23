"""Servers that are wrong in one way each: the kit has to notice each of them."""

import sys

import pytest

from traceward.conformance.model import Outcome
from traceward.conformance.run import Run
from traceward.conformance.runner import CASES, judge, selected

from .mutations import ALL
from .partner import FAULTS, Partner
from .proxy import Mutation, Proxy

#: A run that is not `--full` tries every so many mutations.
SAMPLE = 6


def survivors(run: Run, proxy: Proxy, mutations: list[Mutation]) -> tuple[list[str], set[str]]:
    """The mutations that no case noticed, and the names of the cases that noticed any.

    Each case has to pass on the server as it is.
    """
    alive = []
    right: dict[str, bool] = {}
    noticed: set[str] = set()
    for part in run.data.parts:
        run.part(part)
    patience = run.patience_s
    for mutation in mutations:
        cases = selected(mutation.only)
        assert cases, f"no case is named {mutation.only}"
        for case in cases:
            if case.name not in right:
                right[case.name] = judge(run, case).outcome is Outcome.PASS
        passing = [case for case in cases if right[case.name]]
        assert passing, f"no case of {mutation.only} passes on the server as it is"
        proxy.mutation, run.patience_s = mutation, 0.3
        try:
            failing = {case.name for case in passing if judge(run, case).outcome is Outcome.FAIL}
            noticed |= failing
            if not failing:
                alive.append(mutation.name)
        finally:
            proxy.mutation, run.patience_s = None, patience
    return alive, noticed


def test_a_sample_of_broken_servers_is_noticed(run: Run, proxy: Proxy, partner: Partner) -> None:
    """Rejects a kit whose cases look at less than their titles say."""
    alive, _ = survivors(run, proxy, ALL[::SAMPLE])
    assert not alive


@pytest.mark.full
def test_every_broken_server_is_noticed_and_every_case_notices_one(
    run: Run, proxy: Proxy, partner: Partner, capsys: pytest.CaptureFixture[str]
) -> None:
    """docs/conformance.md: noticed / all. Rejects a case that passes whatever the server does."""
    alive, noticed = survivors(run, proxy, ALL)
    noticed |= set(FAULTS.values())
    idle = {case.name for case in CASES if case.name not in noticed and judge(run, case).outcome is Outcome.PASS}
    with capsys.disabled():
        sys.stdout.write(
            f"\nmutations noticed: {len(ALL) - len(alive)} of {len(ALL)}; cases without any: {len(idle)}\n"
        )
    assert not alive
    assert sorted(idle) == []


def test_the_names_of_mutations_differ() -> None:
    names = [mutation.name for mutation in ALL]
    assert sorted(names) == sorted(set(names))

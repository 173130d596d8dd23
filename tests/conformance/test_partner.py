"""Named queries and subscriptions, judged on a partner's server that keeps their rules, and then breaks each."""

import pytest

from traceward.conformance.model import Outcome
from traceward.conformance.run import Run
from traceward.conformance.runner import judge, selected

from .partner import FAULTS, Partner


def outcomes(run: Run, pattern: str) -> dict[str, tuple[Outcome, str]]:
    results = [judge(run, case) for case in selected(pattern)]
    return {one.case.name: (one.outcome, one.reason) for one in results}


def test_a_server_that_keeps_the_rules_of_queries_passes(run: Run, partner: Partner) -> None:
    found = outcomes(run, "queries/*") | outcomes(run, "discovery/options-queries*")
    assert len(found) > 10
    for name, (outcome, reason) in found.items():
        assert outcome is Outcome.PASS, f"{name}: {reason}"


@pytest.mark.full
def test_a_server_that_keeps_the_rules_of_subscriptions_passes(run: Run, partner: Partner) -> None:
    """A websocket is the one part that this server does not have."""
    found = outcomes(run, "subscriptions/*")
    assert len(found) > 10
    for name, (outcome, reason) in found.items():
        expected = Outcome.NOT_SUPPORTED if "websocket" in name else Outcome.PASS
        assert outcome is expected, f"{name}: {reason}"


@pytest.mark.parametrize(
    "fault",
    [fault if place % 3 == 0 else pytest.param(fault, marks=pytest.mark.full) for place, fault in enumerate(FAULTS)],
)
def test_a_server_that_breaks_a_rule_of_subscriptions_is_noticed(run: Run, partner: Partner, fault: str) -> None:
    """The case passes while the rule is kept. Rejects a case that waits for less than it says."""
    (case,) = selected(f"{FAULTS[fault]}*")
    assert judge(run, case).outcome is Outcome.PASS
    partner.faults = {fault}
    run.patience_s, patience = 2.0, run.patience_s
    try:
        assert judge(run, case).outcome is Outcome.FAIL
    finally:
        partner.faults, run.patience_s = set(), patience

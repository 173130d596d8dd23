"""Alerts as a law: whenever and however often one looks, in whatever order the story came, the same ones stand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.test_agreements import SCREW, VALVE, terms
from traceward.ledger.agreement_terms import AgreementTerms
from traceward.services.agreements import agreements
from traceward.services.alerts import watch as alert_watch
from traceward.services.demo.demo import load_demo
from traceward.services.demo.storyline import cordia_document, northgate_document
from traceward.services.identity.principals import Principal
from traceward.services.intake import capture
from traceward.services.runtime import Limits, Runtime, open_runtime

NOW_US = 1_782_000_000_000_000  # June 2026


def opened(folder: Path, url: str | None = None) -> Runtime:
    """The services on an empty demo database, at a time that stands still."""
    where = url or f"sqlite:///{folder / 'a.db'}"
    runtime = open_runtime(where, data_dir=folder, limits=Limits(), scan_workers=1, now_us=lambda: NOW_US)
    load_demo(runtime, storyline=False)
    return runtime


def principal(runtime: Runtime, name: str) -> Principal:
    """Who owns a demo key."""
    keys = load_demo(runtime, storyline=False)
    found = runtime.registry.authenticate(keys[name])
    assert found is not None
    return found


def agree(runtime: Runtime) -> None:
    """Have both sides sign an agreement on the story's products."""
    body = terms(lines=[{"gtin": VALVE}, {"gtin": SCREW}, {"gtin": "09521141060001"}])
    made = agreements.propose(runtime, principal(runtime, "cordia"), AgreementTerms.model_validate(body))
    agreements.sign(runtime, principal(runtime, "northgate-supply"), made.terms.agreement_id, made.version)


def standing(runtime: Runtime) -> list[Sequence[Any]]:
    """What stands, without when it was first looked at."""
    assert alert_watch.catch_up(runtime, most_s=60)
    columns = "kind, base, responsible, subject, place, gtin, message, detail, evidence, due_us"
    with runtime.store.reader() as reader:
        return sorted(tuple(row) for row in reader.fetch(f"SELECT {columns} FROM alert WHERE closed_us IS NULL"))


@pytest.mark.parametrize(
    "order", [("terms", "cordia", "northgate"), ("northgate", "terms", "cordia"), ("cordia", "northgate", "terms")]
)
@pytest.mark.parametrize("often", [False, True])
def test_the_same_alerts_stand_in_any_order_of_arrival_and_however_often_one_looks(
    tmp_path: Path, order: tuple[str, ...], often: bool
) -> None:
    """Rejects alerts that keep what stood in between, and products that a later event does not have looked at."""

    def told(steps: Sequence[str], folder: Path, *, looking: bool) -> list[Sequence[Any]]:
        folder.mkdir()
        runtime = opened(folder)
        try:
            for step in steps:
                if step == "terms":
                    agree(runtime)
                else:
                    body = cordia_document() if step == "cordia" else northgate_document()
                    name = "cordia" if step == "cordia" else "northgate-clinical"
                    capture.capture_document(runtime, principal(runtime, name), orjson.dumps(body), "rollback")
                if looking:
                    standing(runtime)
            return standing(runtime)
        finally:
            runtime.close()

    once = told(("terms", "cordia", "northgate"), tmp_path / "once", looking=False)
    assert len(once) > 5
    assert told(order, tmp_path / "other", looking=often) == once

"""Imports from CSV: catalogue, places, PAR levels, prices and opening stock; a dry run first, all or nothing then.

Catalogue and places become master data of the caller's organisation, PAR levels and prices the next version of an
agreement, opening stock captured events with ids of their own making, so that the same file twice changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from traceward.epcis.errors import Finding, ValidationException
from traceward.gs1.patient import contains_patient_identifier
from traceward.services.identity.principals import Principal, Right
from traceward.services.imports import import_agreements, import_master_data, import_stock
from traceward.services.imports.csv_table import CellFinding, Column, Table, read_table, template
from traceward.services.imports.imported import CLAUSE, Plan
from traceward.services.problem_bodies import summary
from traceward.services.runtime import Runtime

_MOST_FINDINGS: Final = 1000


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of import. plan: reads the table into what would be done. options: those that the plan takes."""

    columns: tuple[Column, ...]
    plan: Callable[[Runtime, Principal, Table, Mapping[str, str]], Plan]
    options: tuple[str, ...] = ()


KINDS: Final[dict[str, Kind]] = {
    "catalogue": Kind(import_master_data.CATALOGUE, import_master_data.plan_catalogue),
    "places": Kind(import_master_data.PLACES, import_master_data.plan_places),
    "par": Kind(import_agreements.PAR, import_agreements.plan_par, ("agreementID", "validFrom")),
    "prices": Kind(import_agreements.PRICES, import_agreements.plan_prices, ("agreementID", "validFrom")),
    "stock": Kind(import_stock.STOCK, import_stock.plan_stock, ("countedAt",)),
}


@dataclass(slots=True)
class ImportReport:
    """What an import would do, or has done."""

    kind: str
    table: Table
    plan: Plan
    applied: bool = False
    result: dict[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The wire form."""
        found = [*self.table.findings, *self.plan.findings]
        shown = sorted(found, key=lambda one: (one.severity != "error", one.line))[:_MOST_FINDINGS]
        return {
            "kind": self.kind,
            "rows": len(self.table.rows),
            "new": self.plan.new,
            "changed": self.plan.changed,
            "unchanged": self.plan.unchanged,
            "errors": sum(one.severity == "error" for one in found),
            "warnings": sum(one.severity == "warning" for one in found),
            "findings": [_finding_body(one) for one in shown],
            "encoding": self.table.encoding,
            "delimiter": self.table.delimiter,
            "details": self.plan.details,
            "applied": self.applied,
            "result": self.result,
        }


def run_import(
    runtime: Runtime, caller: Principal, kind: str, body: bytes, options: Mapping[str, str], *, apply: bool
) -> ImportReport:
    """Read a file, tell what it would do, and do it where `apply` says so.

    With apply, any error refuses the whole file: raises ValidationException with a finding for each bad cell, and
    nothing is changed. Raises ForbiddenException for a role that may not capture.
    """
    caller.require(Right.READ)
    caller.require(Right.CAPTURE)
    wanted = KINDS[kind]
    unknown = sorted(set(options) - set(wanted.options))
    if unknown:
        expected = ", ".join(wanted.options) or "none"
        raise ValidationException(f"{unknown[0][:80]!r} is no option of this import; expected {expected}")
    table = read_table(body, wanted.columns)
    plan = wanted.plan(runtime, caller, table, options)
    report = ImportReport(kind, table, plan)
    errors = [one for one in (*table.findings, *plan.findings) if one.severity == "error"]
    if not apply:
        return report
    if errors:
        findings = [_finding(one) for one in errors[:_MOST_FINDINGS]]
        raise ValidationException(summary(findings), findings)
    report.result = plan.apply()
    report.applied = True
    return report


def template_of(kind: str) -> str:
    """A CSV file to start from."""
    return template(KINDS[kind].columns)


def _finding(one: CellFinding) -> Finding:
    where = f"line {one.line}" + (f", column {one.column}" if one.column is not None else "")
    value = f"{_shown(one.value)[:80]!r} " if one.column is not None else ""
    return Finding(where, "cell", value + one.message, CLAUSE)


def _finding_body(one: CellFinding) -> dict[str, Any]:
    return {
        "line": one.line,
        "column": one.column,
        "value": _shown(one.value)[:200],
        "message": one.message,
        "severity": one.severity,
    }


def _shown(value: str) -> str:
    """A cell as a finding quotes it: a patient is not repeated, wherever findings may end up."""
    return "(a patient's number)" if contains_patient_identifier(value) else value

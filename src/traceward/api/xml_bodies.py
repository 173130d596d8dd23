"""Everything but documents of events in XML: problems, capture jobs and collections, from their JSON forms.

It must not decide who gets XML: `negotiation` does. Where the standard's schema has no element, ours is used.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from traceward.epcis.xml_tables import DOCUMENT_NAMESPACES, OWN
from traceward.epcis.xml_values import attribute_xml, text_xml

_NAMESPACES: Final = f'xmlns:epcis="{DOCUMENT_NAMESPACES["2.0"]}" xmlns:twx="{OWN}"'
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_PROBLEM_FIELDS: Final = ("type", "title", "status", "detail", "instance")
_JOB_TIMES: Final = ("createdAt", "finishedAt")
_DRY_RUN_COUNTS: Final = ("eventCount", "wouldStore", "duplicates", "failures")
_FINDING_ATTRIBUTES: Final = ("path", "code", "clause", "eventIndex", "severity")


def problem_xml(problem: Mapping[str, Any]) -> bytes:
    """An RFC 7807 body as `epcis:EPCISException`; its findings follow as `twx:finding`.

    EPCIS 2.0 XML schema, RFC7807ProblemResponseBodyType: children in this order, then elements of others.
    """
    return f"{_DECLARATION}<epcis:EPCISException {_NAMESPACES}>{_problem(problem)}</epcis:EPCISException>".encode()


def job_xml(job: Mapping[str, Any]) -> bytes:
    """A capture job as `epcis:EPCISCaptureJob`. EPCIS 2.0 XML schema, EPCISCaptureJobType."""
    return f"{_DECLARATION}{_job(job, _NAMESPACES)}".encode()


def jobs_xml(jobs: Iterable[Mapping[str, Any]]) -> bytes:
    """Capture jobs in `twx:captureJobs`: the schema has no element for several."""
    content = "".join(_job(job, "") for job in jobs)
    return f"{_DECLARATION}<twx:captureJobs {_NAMESPACES}>{content}</twx:captureJobs>".encode()


def collection_xml(members: Sequence[str]) -> bytes:
    """A collection as `twx:Collection` of `member` elements: the schema has no element for it."""
    content = "".join(f"<member>{text_xml(member)}</member>" for member in members)
    return f"{_DECLARATION}<twx:Collection {_NAMESPACES}>{content}</twx:Collection>".encode()


def _problem(problem: Mapping[str, Any]) -> str:
    stated = "".join(
        f"<{name}>{text_xml(str(problem[name]))}</{name}>" for name in _PROBLEM_FIELDS if problem.get(name) is not None
    )
    return stated + "".join(_finding("finding", finding) for finding in problem.get("errors", ()))


def _finding(name: str, finding: Mapping[str, Any]) -> str:
    attributes = "".join(
        f' {one}="{attribute_xml(str(finding[one]))}"' for one in _FINDING_ATTRIBUTES if finding.get(one) is not None
    )
    return f"<twx:{name}{attributes}>{text_xml(str(finding['message']))}</twx:{name}>"


def _job(job: Mapping[str, Any], namespaces: str) -> str:
    attributes = {
        "running": str(job["running"]).lower(),
        "success": str(job["success"]).lower(),
        "captureID": job["captureID"],
    } | {f"twx:{name}": str(job[name]) for name in _DRY_RUN_COUNTS if name in job}
    start = "".join(f' {name}="{attribute_xml(value)}"' for name, value in attributes.items())
    children = f"<captureErrorBehaviour>{text_xml(job['captureErrorBehaviour'])}</captureErrorBehaviour>"
    children += "".join(f"<{name}>{text_xml(job[name])}</{name}>" for name in _JOB_TIMES if name in job)
    if "errorFile" in job:
        children += f"<errorFile>{text_xml(job['errorFile'])}</errorFile>"
    elif job["errors"]:
        errors = "".join(f"<error>{_problem(problem)}</error>" for problem in job["errors"])
        children += f"<errors>{errors}</errors>"
    children += "".join(_finding("warning", warning) for warning in job.get("warnings", ()))
    return f"<epcis:EPCISCaptureJob {namespaces}{start}>{children}</epcis:EPCISCaptureJob>"

"""The error tree of EPCIS: one class per exception name of the standard, each with its wire `type`, status and title.

Never renders a body: `api/problems` alone turns these into problem+json and problem+xml.

    TracewardError
    +-- ValidationException               400  malformed request, broken rule
    |   +-- DocumentException             400  malformed document or event, broken rule of EPCIS
    +-- QueryValidationException          400  a query that is no query
    +-- QueryParameterException           400  unknown, ill-typed or misused query parameter
    +-- SubscriptionControlsException     400  schedule, trigger or stream is wrong
    +-- SecurityException                 401  no or bad credentials
    |   +-- ForbiddenException            403  known caller, not permitted
    |       +-- SubscribeNotPermittedException  403
    +-- NoSuchNameException               404  unknown query, or any other unknown name
    |   +-- NoSuchResource                404
    |   +-- NoSuchSubscriptionException   404
    +-- NotAcceptableException            406
    +-- ResourceAlreadyExistsException    409
    |   +-- DuplicateSubscriptionException 409
    +-- CaptureLimitExceededException     413  too many events or octets in one capture
    +-- QueryTooLargeException            413  more results than maxEventCount
    +-- QueryTooComplexException          413  the query costs too much
    +-- URITooLongException               414
    +-- UnsupportedMediaTypeException     415
    +-- InvalidURIException               400  a destination that is no usable URI
    +-- ImplementationException           500
        +-- NotImplementedByServer        501

Sources: EPCIS 2.0 REST binding (problem types per status); the query control WSDL for the names known only to SOAP.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from traceward.epcis.xml_paths import xpath
from traceward.gs1.patient import without_patients

_TYPE_PREFIX = "epcisException:"

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or doubtful, in a document or event.

    path: where, as `eventList[3].epcList[0]`; empty for the document as a whole.
    code: a short constant for programs; message: what was wrong, the value, what was expected.
    clause: the rule's place in the standard or in this product's own rules.
    event_index: position in eventList from 0; None when the finding concerns no one event.
    A patient named in path or message is cut out: findings are shown, kept and logged.
    """

    path: str
    code: str
    message: str
    clause: str
    event_index: int | None = None
    severity: Severity = "error"

    def __post_init__(self) -> None:
        """Cut patients out of what is told."""
        for name in ("path", "message"):
            object.__setattr__(self, name, without_patients(getattr(self, name)))

    def under(self, path: str, event_index: int | None) -> Finding:
        """The same finding with its path put below another; below an XPath it becomes one itself."""
        if path.startswith("/"):
            below = self.path[2:] if self.path.startswith("./") else xpath(self.path)
            joined = f"{path}/{below}" if below else path
        else:
            joined = f"{path}.{self.path}" if path and self.path else path or self.path
        return replace(self, path=joined, event_index=event_index)


class TracewardError(Exception):
    """An error that has an answer in the standard.

    type: `epcisException:<Name>`; status: HTTP status; title: the same for every error of the class;
    detail: this case, in one sentence, without any patient that the request named; findings: every single mistake,
    where there are several.
    """

    name: ClassVar[str] = "ImplementationException"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "The server failed"

    def __init__(self, detail: str, findings: Iterable[Finding] = ()) -> None:
        self.detail = without_patients(detail)
        super().__init__(self.detail)
        self.findings = tuple(findings)

    @property
    def type(self) -> str:
        """The problem type, as `epcisException:ValidationException`."""
        return _TYPE_PREFIX + self.name


class ValidationException(TracewardError):
    """What was sent is malformed or breaks a rule; `findings` names every place."""

    name, status, title = "ValidationException", 400, "The request is not valid"


class DocumentException(ValidationException):
    """An EPCIS document or event is malformed or breaks a rule of EPCIS; on the wire a ValidationException."""

    title = "The document does not keep the rules of EPCIS"


class QueryValidationException(TracewardError):
    """The body is not a query."""

    name, status, title = "QueryValidationException", 400, "The query is malformed"


class QueryParameterException(TracewardError):
    """A query parameter is unknown, ill-typed, or misused."""

    name, status, title = "QueryParameterException", 400, "A query parameter is wrong"


class SubscriptionControlsException(TracewardError):
    """The schedule, trigger or stream of a subscription is wrong."""

    name, status, title = "SubscriptionControlsException", 400, "The subscription's controls are wrong"


class InvalidURIException(TracewardError):
    """A destination is not a URI that can be called."""

    name, status, title = "InvalidURIException", 400, "The destination is not usable"


class SecurityException(TracewardError):
    """The caller did not prove who it is."""

    name, status, title = "SecurityException", 401, "Credentials are missing or wrong"


class ForbiddenException(SecurityException):
    """The caller is known and may not do this."""

    status, title = 403, "Not permitted"


class SubscribeNotPermittedException(ForbiddenException):
    """The query can be polled but not subscribed to."""

    name, title = "SubscribeNotPermittedException", "This query takes no subscriptions"


class NoSuchNameException(TracewardError):
    """No query of that name exists for the caller."""

    name, status, title = "NoSuchNameException", 404, "Not found"


class NoSuchResource(NoSuchNameException):  # the standard's enum knows only NoSuchNameException
    """Nothing of that id exists for the caller; on the wire NoSuchNameException, the only name that the enum allows."""


class NoSuchSubscriptionException(NoSuchNameException):
    """No subscription of that id exists for the caller."""

    name = "NoSuchSubscriptionException"


class NotAcceptableException(TracewardError):
    """No representation or version fits what the request accepts."""

    name, status, title = "NotAcceptableException", 406, "No acceptable representation"


class ResourceAlreadyExistsException(TracewardError):
    """The id or name is taken by other content."""

    name, status, title = "ResourceAlreadyExistsException", 409, "Already exists"


class DuplicateSubscriptionException(ResourceAlreadyExistsException):
    """The subscription id is taken."""

    name = "DuplicateSubscriptionException"


class CaptureLimitExceededException(TracewardError):
    """The capture has more events or octets than the server takes at once."""

    name, status, title = "CaptureLimitExceededException", 413, "The capture is too large"


class QueryTooLargeException(TracewardError):
    """More events match than maxEventCount allows."""

    name, status, title = "QueryTooLargeException", 413, "The query matches too much"


class QueryTooComplexException(TracewardError):
    """The query would cost more than the server spends on one."""

    name, status, title = "QueryTooComplexException", 413, "The query is too complex"


class URITooLongException(TracewardError):
    """The request target is longer than the server reads."""

    name, status, title = "URITooLongException", 414, "The URI is too long"


class UnsupportedMediaTypeException(TracewardError):
    """The body's media type is not one that this operation takes."""

    name, status, title = "UnsupportedMediaTypeException", 415, "Unsupported media type"


class ImplementationException(TracewardError):
    """The server failed through no fault of the request."""


class NotImplementedByServer(ImplementationException):  # on the wire it is an ImplementationException
    """The standard lets a server leave this operation out, and this one does."""

    status, title = 501, "Not implemented"

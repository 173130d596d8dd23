"""Wire models of the audit log; they must not be database tables nor hold rules."""

from pydantic import BaseModel


class AuditEntry(BaseModel):
    """One thing that was done. filterDigest: SHA-256 of what was asked for; hash: the entry's own, in hex."""

    time: str
    principal: str
    role: str
    credential: str
    action: str
    resource: str
    filterDigest: str
    resultCount: int
    eventIDs: list[str]
    outcome: str
    purpose: str
    requestID: str
    hash: str


class AuditAnswer(BaseModel):
    """One page of entries, newest first."""

    entries: list[AuditEntry]


class ChainBody(BaseModel):
    """Whether the log is whole. entries: how many were found good from the first on; head: hash of the last of them."""

    whole: bool
    entries: int
    head: str
    firstBad: int | None
    fault: str | None

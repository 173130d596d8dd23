"""What the store can fail with, as errors that have an answer on the wire; it never renders one.

ImplementationException (epcis.errors)
+-- StoreUnavailable     503  the database cannot take or give anything just now: full, read-only, gone
    +-- StoreBusy        503  the queue of captures is full; the same request may succeed in a moment
ValidationException (epcis.errors)
+-- BadPageToken         400  a page token that this server did not give to this caller for this query
"""

from traceward.epcis.errors import ImplementationException, ValidationException


class StoreUnavailable(ImplementationException):  # named by what the caller can do about it
    """The database cannot serve now; `detail` says why (disk full, read-only, connection lost)."""

    status, title = 503, "The store is not available"


class StoreBusy(StoreUnavailable):
    """More writes wait than the queue may hold; retry after a moment."""

    title = "The store is busy"


class BadPageToken(ValidationException):
    """A page token was altered, has expired, or belongs to another caller or query."""

    title = "The page token is not valid here"


class WrongDatabase(RuntimeError):
    """The database at this URL is not one that this version can open; the message says what was found."""

"""The predicates that a query means: what the store compiles and what ``evaluate`` checks.

Knows no parameter names, no wire forms and no database: only index keys, values and bounds.
"""

from dataclasses import dataclass

#: The pair that every event carries: the posting list of all events.
ALL_EVENTS: tuple[str, str] = ("*", "")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A half-open range of instants, ``ge_us <= t < lt_us``, in microseconds since 1970 UTC; None = unbounded."""

    ge_us: int | None = None
    lt_us: int | None = None

    def __contains__(self, time_us: int) -> bool:
        """Tell whether an instant lies in the range."""
        return (self.ge_us is None or time_us >= self.ge_us) and (self.lt_us is None or time_us < self.lt_us)


@dataclass(frozen=True, slots=True)
class TextPrefix:
    """Some value of ``key`` begins with ``prefix`` and has ``infix`` somewhere behind it.

    Comes from EPC patterns whose class is open (``urn:epc:idpat:sgtin:P.*.*``), so it stands only beside the keys
    that hold EPCs or EPC classes; ``vocabulary`` names the vocabulary ("epcs" or "epcClasses", see
    ``terms.vocabulary_terms``) whose values a store may range over to turn the prefix into pairs.
    """

    key: str
    prefix: str
    infix: str = ""
    vocabulary: str = "epcs"

    def accepts(self, value: str) -> bool:
        """Tell whether a value of ``key`` has the prefix and the infix."""
        return value.startswith(self.prefix) and self.infix in value[len(self.prefix) :]


@dataclass(frozen=True, slots=True)
class Within:
    """Some value of ``key`` is one of these canonical ids, or lies below one in the hierarchy of master data."""

    key: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attributed:
    """An id in ``field`` has master data with one of the attributes ``names``, of one of ``values`` (None: of any).

    ``field``: one of ``master_data.FIELDS``; ``names``: as ``master_data.attribute_name`` gives them.
    """

    field: str
    names: tuple[str, ...]
    values: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class AnyTerm:
    """The event has at least one of ``pairs`` (key, value), or a value that one of ``prefixes`` accepts.

    ``master_data`` holds further ways to match, which ``master_data.resolved`` turns into pairs by what the caller can
    know at that moment; until then they match nothing. With nothing at all it matches no event.
    """

    pairs: tuple[tuple[str, str], ...]
    prefixes: tuple[TextPrefix, ...] = ()
    master_data: tuple[Within | Attributed, ...] = ()


@dataclass(frozen=True, slots=True)
class NumberRange:
    """At least one number of the event under (``key``, ``uom``) lies within every bound given.

    Numbers are IEEE doubles; instants are microseconds since 1970 UTC. ``uom`` is a base unit (``units``); None names
    the rows without a unit: ``terms.event_numbers`` gives every number with a unit under None as well. ``equals``, when
    not empty, asks for one of these values and stands without other bounds.
    """

    key: str
    uom: str | None = None
    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    equals: tuple[float, ...] = ()

    def __contains__(self, number: float) -> bool:
        """Tell whether a number lies within the bounds."""
        return (
            (not self.equals or number in self.equals)
            and (self.ge is None or number >= self.ge)
            and (self.gt is None or number > self.gt)
            and (self.le is None or number <= self.le)
            and (self.lt is None or number < self.lt)
        )


Clause = AnyTerm | NumberRange


@dataclass(frozen=True, slots=True)
class Query:
    """An event query: every clause and both time ranges must hold.

    ``order_by`` is "eventTime", "recordTime" or the expanded name of a top-level extension field.
    ``event_count_limit``: only the first so many after ordering. ``max_event_count``: more matches than this raise
    QueryTooLargeException. At most one of the two is given. EPCIS 2.0 8.2.7.1.
    """

    clauses: tuple[Clause, ...] = ()
    event_time: TimeRange = TimeRange()
    record_time: TimeRange = TimeRange()
    order_by: str = "eventTime"
    descending: bool = True
    event_count_limit: int | None = None
    max_event_count: int | None = None

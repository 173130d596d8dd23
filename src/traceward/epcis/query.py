"""Event queries of EPCIS 2.0: the parameters of SimpleEventQuery become predicates.

Reads parameters only; it never touches events or a database (``evaluate`` and the store do).
"""

from traceward.epcis.predicates import ALL_EVENTS, AnyTerm, Clause, NumberRange, Query, TextPrefix, TimeRange

__all__ = ["ALL_EVENTS", "AnyTerm", "Clause", "NumberRange", "Query", "TextPrefix", "TimeRange"]

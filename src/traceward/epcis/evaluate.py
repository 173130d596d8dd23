"""Whether one event answers a query: the re-check of hits that were found by hashed terms.

Judges by the same terms as the index (``terms``) and by exact values; it never reads parameters or raw JSON.
"""

from traceward.epcis.predicates import AnyTerm, Query
from traceward.epcis.terms import Expanded, event_numbers, event_terms


def matches(query: Query, expanded: Expanded) -> bool:
    """Tell whether an event satisfies every clause and the range of eventTime.

    expanded: the event's expanded form. The range of recordTime is not judged, since recordTime is no part of an
    event; nor are order and limits, since they concern the answer as a whole. What rests on
    master data must have been resolved before (``master_data.resolved``); until then it matches nothing.
    """
    if expanded["eventTime"] not in query.event_time:
        return False
    terms = frozenset(event_terms(expanded))
    for clause in query.clauses:
        if isinstance(clause, AnyTerm):
            if terms.isdisjoint(clause.pairs) and not any(
                key == prefix.key and prefix.accepts(value) for prefix in clause.prefixes for key, value in terms
            ):
                return False
        elif not any(
            key == clause.key and uom == clause.uom and number in clause for key, number, uom in event_numbers(expanded)
        ):
            return False
    return True

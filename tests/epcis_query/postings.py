"""A posting index in memory: what a store does with terms, in twenty lines and without hashing."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from traceward.epcis.query import ALL_EVENTS, AnyTerm, NumberRange, Query
from traceward.epcis.terms import event_numbers, event_terms, vocabulary_terms


class Postings:
    """Events by number, findable by their terms alone."""

    def __init__(self, expanded_events: list[Mapping[str, Any]]) -> None:
        self.postings: dict[tuple[str, str], set[int]] = defaultdict(set)
        self.numbers: dict[tuple[str, str | None], list[tuple[float, int]]] = defaultdict(list)
        self.times = [event["eventTime"] for event in expanded_events]
        words: dict[str, set[str]] = defaultdict(set)
        for index, event in enumerate(expanded_events):
            for pair in event_terms(event):
                self.postings[pair].add(index)
            for key, value, uom in event_numbers(event):
                self.numbers[key, uom].append((value, index))
            for kind, text in vocabulary_terms(event):
                words[kind].add(text)
        self.vocabulary = {kind: sorted(values) for kind, values in words.items()}

    def find(self, query: Query) -> set[int]:
        """The numbers of the events that answer the query."""
        found = {index for index in self.postings[ALL_EVENTS] if self.times[index] in query.event_time}
        for clause in query.clauses:
            found &= self._numbers(clause) if isinstance(clause, NumberRange) else self._terms(clause)
        return found

    def _terms(self, clause: AnyTerm) -> set[int]:
        pairs = list(clause.pairs)
        for prefix in clause.prefixes:
            words = self.vocabulary.get(prefix.vocabulary, [])
            position = bisect_left(words, prefix.prefix)
            while position < len(words) and words[position].startswith(prefix.prefix):
                if prefix.accepts(words[position]):
                    pairs.append((prefix.key, words[position]))
                position += 1
        return set().union(*(self.postings.get(pair, set()) for pair in pairs))

    def _numbers(self, clause: NumberRange) -> set[int]:
        return {index for value, index in self.numbers.get((clause.key, clause.uom), []) if value in clause}

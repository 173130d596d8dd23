"""Every query on both databases answers as a naive walk over the events does."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.cases import Case, Clock, write_cases
from traceward.epcis.errors import NotImplementedByServer, QueryTooComplexException
from traceward.epcis.predicates import AnyTerm, NumberRange, Query, TextPrefix, TimeRange
from traceward.store import compile_postgres, compile_sqlite
from traceward.store.compile import Cursor, VisibleTo
from traceward.store.engine import Store, open_store

GTIN = "https://id.gs1.org/01/0952114101023"
ITEMS = [f"{GTIN}{digit}/21/S{n}" for digit in (5, 6) for n in (1, 2)] + ["urn:x:other"]
STEPS = ["shipping", "receiving", "storing"]
PLACES = ["urn:p:1", "urn:p:2"]
ODD_KEY = "ext:urn:x'\"%?_[#z"

pairs = st.one_of(
    st.tuples(st.just("bizStep"), st.sampled_from(STEPS)),
    st.tuples(st.just("bizLocation"), st.sampled_from(PLACES)),
    st.tuples(st.sampled_from(["epc", "parentID"]), st.sampled_from(ITEMS)),
    st.tuples(st.just("disposition"), st.sampled_from(["active", "in_transit"])),
    st.tuples(st.just(ODD_KEY), st.sampled_from(["%", "_", "'", "a"])),
)
number_keys = st.sampled_from(["quantity", "value"])
units = st.sampled_from([None, "KGM"])
numbers = st.tuples(number_keys, st.sampled_from([1.0, 2.5, 3.0]), units)
prefixes = st.builds(
    TextPrefix,
    st.sampled_from(["epc", "parentID"]),
    st.sampled_from([GTIN, GTIN + "5", GTIN + "5/21/S", "https://id.gs1.org/00/", "urn:"]),
    st.sampled_from(["", "/21/", "/10/"]),
)
bound = st.one_of(st.none(), st.sampled_from([1.0, 2.0, 2.5, 3.0]))
some_numbers = st.lists(st.sampled_from([1.0, 3.0, 9.0]), min_size=1).map(tuple)
number_ranges = st.one_of(
    st.builds(NumberRange, number_keys, units, bound, bound, bound, bound),
    st.builds(lambda values: NumberRange("quantity", equals=values), some_numbers),
)
any_terms = st.builds(
    lambda wanted, begun: AnyTerm(tuple(wanted), tuple(begun)),
    st.lists(pairs, max_size=3),
    st.lists(prefixes, max_size=1),
)


@st.composite
def cases(draw: st.DrawFn) -> list[Case]:
    found = []
    for number in range(draw(st.integers(0, 12))):
        terms = draw(st.lists(pairs, max_size=5, unique=True))
        steps = {key for key, _ in terms}
        # One value each for what an event has once.
        terms = [term for term in terms if term[0] != "bizStep" or term == next(t for t in terms if t[0] == "bizStep")]
        terms = [t for t in terms if t[0] != "bizLocation" or t == next(o for o in terms if o[0] == "bizLocation")]
        classes = {(f"{key}~class", value[: value.rfind("/") + 1]) for key, value in terms if "/21/" in value}
        listed = tuple(("epcs", value) for key, value in terms if key in {"epc", "parentID"})
        measured = tuple(draw(st.lists(numbers, max_size=2, unique=True)))
        found.append(
            Case(
                f"e{number}",
                draw(st.integers(0, 6)),
                (*terms, *sorted(classes)),
                # A number with a unit is also there without it.
                tuple(dict.fromkeys((*measured, *((key, x, None) for key, x, _ in measured)))),
                listed if steps else (),
                draw(st.sampled_from([(0,), (1,), (0, 1), ()])),
                party=number,
            )
        )
    return found


@st.composite
def queries(draw: st.DrawFn) -> Query:
    edge = st.one_of(st.none(), st.integers(0, 7))
    recorded = st.one_of(st.none(), st.integers(0, 4))
    return Query(
        tuple(draw(st.lists(st.one_of(any_terms, any_terms, number_ranges), max_size=3))),
        TimeRange(draw(edge), draw(edge)),
        TimeRange(draw(recorded), draw(recorded)),
        draw(st.sampled_from(["eventTime", "recordTime"])),
        draw(st.booleans()),
    )


def matches(query: Query, case: Case, record_time_us: int) -> bool:
    """The meaning of the predicates, straight from their docstrings."""
    if case.time_us not in query.event_time or record_time_us not in query.record_time:
        return False
    for clause in query.clauses:
        if isinstance(clause, NumberRange):
            rows = [x for key, x, uom in case.numbers if (key, uom) == (clause.key, clause.uom)]
            if not any(x in clause for x in rows):
                return False
        else:
            held = case.all_pairs()
            by_prefix = any(key == p.key and p.accepts(value) for p in clause.prefixes for key, value in held)
            if not by_prefix and not set(clause.pairs) & set(held):
                return False
    return True


@pytest.fixture(params=["usual bounds", "tiny bounds"])
def bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With tiny bounds a dozen events are as common as a million, so every fallback of the compiler is reached."""
    if request.param == "tiny bounds":
        monkeypatch.setattr(compile_sqlite, "PROBE", 2)
        monkeypatch.setattr(compile_postgres, "PROBE", 2)
        monkeypatch.setattr(compile_postgres, "WALKED", 3)
        monkeypatch.setattr(compile_postgres, "FENCED", 3)
    return str(request.param)


_viewers = itertools.count(100, 2)


def test_a_query_answers_as_a_naive_walk_over_the_events_page_by_page(store: Store, clock: Clock, bounds: str) -> None:
    """Rejects: record time compared with event time, a page that repeats or skips ties, an OR read as AND, a prefix
    that matches only whole classes, postings of one viewer found by another, a cursor of the wrong order.
    """
    start = clock.now_us

    @settings(max_examples=settings().max_examples // 2 if bounds == "usual bounds" else settings().max_examples)
    @given(cases(), st.lists(queries(), min_size=1, max_size=4), st.integers(1, 5), st.sets(st.sampled_from([0, 1])))
    def check(events: list[Case], asked: list[Query], limit: int, seen_by: set[int]) -> None:
        nonlocal start
        base = next(_viewers)
        start += 10
        stored: list[tuple[Case, int, int]] = []
        for place, case in enumerate(events):
            clock.now_us = start + place // 3
            viewers_here = tuple(base + viewer for viewer in case.viewers)
            here = replace(case, name=f"{base}-{case.name}", viewers=viewers_here)
            seqs = store.committer.run(lambda tx, here=here: write_cases(tx, store, [here]))
            stored.append((here, seqs[here.name], clock.now_us))
        viewers = VisibleTo(base + viewer for viewer in seen_by)
        with store.reader() as reader:
            for query in asked:
                recorded = query.record_time
                edges = (None if t is None else start + t for t in (recorded.ge_us, recorded.lt_us))
                moved = replace(query, record_time=TimeRange(*edges))
                wanted = [
                    Cursor(at if query.order_by == "recordTime" else case.time_us, seq)
                    for case, seq, at in stored
                    if viewers & set(case.viewers) and matches(moved, case, at)
                ]
                wanted.sort(reverse=query.descending)
                found: list[Cursor] = []
                after = None
                while True:
                    page = reader.find(moved, viewers, after=after, limit=limit)
                    found += page.keys
                    after = page.next
                    if after is None:
                        break
                    assert len(page.keys) == limit
                assert found == wanted
                assert reader.count_up_to(moved, viewers, 4) == min(4, len(wanted))

    check()


def test_a_query_that_takes_too_long_is_stopped(store: Store) -> None:
    store.committer.run(lambda tx: write_cases(tx, store, [Case(f"e{n}", n) for n in range(2000)]))
    everything = AnyTerm((("*", ""), ("absent", "")))
    with store.reader() as reader, pytest.raises(QueryTooComplexException, match="ran out of time"):
        reader.find(Query((everything,) * 8), VisibleTo({2}), limit=2000, deadline_s=0.0)
    with store.reader() as reader:
        assert len(reader.find(Query(), VisibleTo({2}), limit=5).keys) == 5


def test_a_pattern_of_too_many_classes_is_refused_and_one_class_with_many_items_is_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rejects a prefix that is resolved item by item, which would refuse a class of a thousand serials."""
    monkeypatch.setattr("traceward.store.read.PREFIX_VALUES", 3)
    values = [f"{GTIN}5/21/S{n}" for n in range(20)]
    many = [f"{GTIN[:-2]}{n}90/21/S" for n in range(5)]
    rows = [
        Case(v, n, (("epc", v), ("epc~class", v[: v.rfind("/") + 1])), vocabulary=(("epcs", v),))
        for n, v in enumerate(values + many)
    ]
    store.committer.run(lambda tx: write_cases(tx, store, rows))
    with store.reader() as reader:
        one = Query((AnyTerm((), (TextPrefix("epc", GTIN + "5", "/21/"),)),))
        assert len(reader.find(one, VisibleTo({2}), limit=100).keys) == 20
        with pytest.raises(QueryTooComplexException, match="more than 3 classes"):
            reader.find(Query((AnyTerm((), (TextPrefix("epc", GTIN[:-2]),)),)), VisibleTo({2}), limit=100)


def test_an_order_that_the_store_does_not_have_is_refused(store: Store) -> None:
    with store.reader() as reader, pytest.raises(NotImplementedByServer, match="urn:x#y"):
        reader.find(Query(order_by="urn:x#y"), VisibleTo({2}), limit=1)


def test_terms_common_rare_and_far_from_the_newest_are_all_found_whole(store: Store, clock: Clock, bounds: str) -> None:
    """Rejects a fence whose overflow is taken for the answer, and a walk that is cut and taken for the whole."""
    events = []
    for n in range(40):
        pairs_of = [("epc", "x"), ("bizStep", "shipping"), ("disposition", "even" if n % 2 == 0 else "odd")]
        pairs_of += [("disposition", "oldest")] if n < 2 else []
        events.append(Case(f"e{n}", n, tuple(pairs_of), (("quantity", float(n), None),)))
    start = clock.now_us
    seqs: dict[str, int] = {}
    for n, case in enumerate(events):
        clock.now_us = start + n
        seqs |= store.committer.run(lambda tx, case=case: write_cases(tx, store, [case]))
    item, step = AnyTerm((("epc", "x"),)), AnyTerm((("bizStep", "shipping"),))
    even, oldest = AnyTerm((("disposition", "even"),)), AnyTerm((("disposition", "oldest"),))
    either = AnyTerm((("disposition", "odd"), ("disposition", "oldest")))
    low, high = NumberRange("quantity", le=30), NumberRange("quantity", ge=3)
    for clauses in ((item,), (even,), (oldest,), (either,), (item, even), (step, oldest), (step, low), (item, high)):
        for order_by, descending, late in itertools.product(("eventTime", "recordTime"), (True, False), (None, 5)):
            query = Query(
                clauses, TimeRange(), TimeRange(None if late is None else start + late), order_by, descending
            )  # fmt: skip
            wanted = [seqs[case.name] for n, case in enumerate(events) if matches(query, case, start + n)]
            wanted.sort(reverse=descending)
            with store.reader() as reader:
                names = reader.record_statements()
                for limit in (5, 100):
                    assert list(reader.find(query, VisibleTo({2}), limit=limit).seqs) == wanted[:limit]
                if bounds == "tiny bounds":
                    assert "few arrivals" not in {statement.name for statement in names}


def test_events_with_two_matching_numbers_do_not_crowd_others_out(
    database_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rejects judging by distinct events whether a bounded list of numbers is complete: one event fills two rows."""
    monkeypatch.setattr("traceward.store.compile_postgres.PROBE", 2)
    store = open_store(database_url, clock=clock)
    one, three = ("quantity", 1.0, None), ("quantity", 3.0, None)
    cases_ = [
        Case(name=f"c{index}", time_us=index, pairs=(), numbers=numbers, vocabulary=(), viewers=(0,), party=0, keys=(),
             text=b'{"type":"ObjectEvent"}')
        for index, numbers in enumerate(((one,), (one, three), (three,)))
    ]  # fmt: skip
    store.committer.run(lambda tx: write_cases(tx, store, cases_))
    query = Query(clauses=(NumberRange("quantity", equals=(1.0, 3.0)),), descending=False)
    with store.reader() as reader:
        assert len(reader.find(query, VisibleTo({0}), limit=10).keys) == 3
    store.close()

"""Page tokens hold for one caller, one query and a limited time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceward.store.compile import Cursor
from traceward.store.errors import BadPageToken
from traceward.store.paging import PageTokens

SECRET, OTHER = b"s" * 32, b"o" * 32
PLACE = Cursor(1_790_000_000_000_000, 42)
int64 = st.integers(-(2**63), 2**63 - 1)


@given(order_us=int64, seq=int64, digest=st.binary(max_size=40), caller=st.text(max_size=40))
def test_a_token_is_read_back_as_the_place_it_was_made_of(order_us: int, seq: int, digest: bytes, caller: str) -> None:
    token = PageTokens(SECRET).issue(Cursor(order_us, seq), digest, caller.replace("\ud800", ""), 10)
    assert PageTokens(SECRET).read(token, digest, caller.replace("\ud800", ""), 9) == Cursor(order_us, seq)


def test_every_single_altered_bit_is_refused() -> None:
    """Rejects a token whose signature leaves out a field, and base64 whose last unused bits may vary."""
    tokens = PageTokens(SECRET)
    token = tokens.issue(PLACE, b"query", "caller", 10)
    for place in range(len(token)):
        for bit in range(8):
            changed = token[:place] + chr(ord(token[place]) ^ 1 << bit) + token[place + 1 :]
            with pytest.raises(BadPageToken):
                tokens.read(changed, b"query", "caller", 9)


@pytest.mark.parametrize(
    ("secret", "query", "caller", "now_us"),
    [
        (SECRET, b"other query", "caller", 9),
        (SECRET, b"query", "other caller", 9),
        (SECRET, b"query", "caller", 10),
        (OTHER, b"query", "caller", 9),
        # Rejects a digest over the joined texts, where the border between query and caller can move.
        (SECRET, b"querycaller", "", 9),
        (SECRET, b"que", "rycaller", 9),
    ],
)
def test_a_token_of_another_query_caller_time_or_server_is_refused(
    secret: bytes, query: bytes, caller: str, now_us: int
) -> None:
    token = PageTokens(SECRET).issue(PLACE, b"query", "caller", 10)
    with pytest.raises(BadPageToken) as refusal:
        PageTokens(secret).read(token, query, caller, now_us)
    with pytest.raises(BadPageToken) as garbage:
        PageTokens(SECRET).read("garbage", b"query", "caller", 9)
    assert str(refusal.value) == str(garbage.value)


@given(st.text())
def test_any_text_that_is_no_token_is_refused_and_nothing_else_is_raised(text: str) -> None:
    with pytest.raises(BadPageToken):
        PageTokens(SECRET).read(text, b"query", "caller", 9)


def test_a_token_does_not_show_the_number_of_the_event() -> None:
    """Rejects a signed but readable token: event numbers count hidden events too."""
    first = PageTokens(SECRET).issue(Cursor(5, 1), b"query", "caller", 10)
    second = PageTokens(SECRET).issue(Cursor(5, 2), b"query", "caller", 10)
    equal = sum(a == b for a, b in zip(first[6:], second[6:], strict=True))
    assert equal < len(first) // 4


def test_the_length_of_a_token_does_not_tell_how_large_the_number_in_it_is() -> None:
    """Rejects a body sealed as short as it is: a token grows by a byte when the server's 128th event has come."""
    tokens = PageTokens(SECRET)
    bodies = [bytes(range(length)) for length in range(1, 40)]
    sealed = [tokens.seal(body, b"query", "caller") for body in bodies]
    assert len({len(token) for token in sealed}) == 1
    assert [tokens.unseal(token, b"query", "caller") for token in sealed] == bodies


def test_a_token_of_the_previous_secret_is_still_read() -> None:
    token = PageTokens(SECRET).issue(PLACE, b"query", "caller", 10)
    renewed = PageTokens(OTHER, previous=(SECRET,))
    assert renewed.read(token, b"query", "caller", 9) == PLACE
    assert renewed.issue(PLACE, b"query", "caller", 10) != token

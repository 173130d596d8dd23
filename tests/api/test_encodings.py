"""Content-Encoding: bodies in gzip and br within bounds, refusals that say why, and gzipped answers."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import brotli
import httpx
import orjson
import pytest

from traceward.api.content_encoding import BrotliInflater, GzipInflater, Inflater

from .conftest import BACKENDS, Site
from .test_epcis_binding import bare_event, document

CODERS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "x-gzip": gzip.compress, "br": brotli.compress}
INFLATERS: dict[str, Callable[[], Inflater]] = {"gzip": GzipInflater, "br": BrotliInflater}
LIMIT = 2_000_000


@pytest.fixture(scope="module", params=BACKENDS)
def shop(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    """A server that takes two megabytes at once and spools above fifty kilobytes."""
    with open_site(request.param, capture_limit_bytes=LIMIT, spool_threshold_bytes=50_000) as opened:
        yield opened


def sent(site: Site, body: Any, coding: str, path: str = "/epcis/capture", **headers: str) -> httpx.Response:
    """A capture of a body that is said to be coded."""
    stated = {"Content-Type": "application/json", "Content-Encoding": coding} | headers
    return site.request("cordia", "POST", path, content=body, headers=stated)


def numbered(count: int, name: str) -> bytes:
    """A document of that many distinct events."""
    return orjson.dumps(document(*(bare_event(eventID=f"urn:uuid:{name}-{number}") for number in range(count))))


def in_parts(body: bytes, size: int) -> Iterator[bytes]:
    """The body as chunks of a few octets."""
    return (body[start : start + size] for start in range(0, len(body), size))


@pytest.mark.parametrize("coding", sorted(CODERS))
def test_a_coded_document_is_captured_in_memory_and_spooled_alike(shop: Site, coding: str) -> None:
    """RFC 9110 8.4.1. Rejects a server that stores coded octets, or inflates only what came in one chunk."""
    for count in (3, 400):
        body = CODERS[coding](numbered(count, f"{coding}{count}"))
        answer = sent(shop, in_parts(body, 1000), coding)
        assert answer.status_code == 202, answer.text
        job = shop.job("cordia", answer)
        while job["running"]:
            job = shop.job("cordia", answer)
        assert job["success"], job
        found = shop.events("cordia", f"EQ_eventID=urn:uuid:{coding}{count}-{count - 1}")
        assert len(found) == 1


def test_a_coded_event_is_captured(shop: Site) -> None:
    body = brotli.compress(orjson.dumps(bare_event(eventID="urn:uuid:one")))
    answer = sent(shop, body, "BR", "/epcis/events")
    assert answer.status_code == 201, answer.text
    assert answer.json()["eventID"] == "urn:uuid:one"


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_a_bomb_is_refused_while_it_bursts(shop: Site, coding: str) -> None:
    """Rejects a bound on the coded size alone: some hundred octets would become half a gigabyte."""
    bomb = CODERS[coding](b" " * 500_000_000 if coding == "br" else b" " * 100_000_000)
    assert len(bomb) < 200_000
    answer = sent(shop, bomb, coding)
    assert answer.status_code == 413, answer.text
    assert answer.json()["type"] == "epcisException:CaptureLimitExceededException"
    assert answer.headers["GS1-EPCIS-Capture-File-Size-Limit"] == str(LIMIT)
    assert not list(shop.server.settings.data_dir.glob("spool/*"))


def test_a_body_that_inflates_out_of_all_proportion_is_refused_below_the_limit(shop: Site) -> None:
    """Rejects a bound on the inflated size alone: the processor's time would be the attacker's to spend."""
    answer = sent(shop, brotli.compress(b" " * (LIMIT - 10_000)), "br")
    assert answer.status_code == 413
    assert "times as many" in answer.json()["detail"]


@pytest.mark.parametrize("coding", ["gzip", "br"])
@pytest.mark.parametrize("harm", ["cut off", "no stream", "followed", "flipped", "empty"])
def test_a_broken_stream_is_refused_with_400(shop: Site, coding: str, harm: str) -> None:
    """Rejects half a document taken for a whole one, and whatever follows a stream."""
    whole = CODERS[coding](numbered(50, harm))
    middle = len(whole) // 2
    body = {
        "cut off": whole[:-3],
        "no stream": numbered(1, harm),
        "followed": whole + b"more",
        "flipped": whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :],
        "empty": b"",
    }[harm]
    answer = sent(shop, body, coding)
    assert answer.status_code == 400, (answer.status_code, answer.text[:200])
    assert answer.json()["type"] == "epcisException:ValidationException"


@pytest.mark.parametrize("coding", ["deflate", "zstd", "gzip, br", "gzip,gzip", "compress"])
def test_another_coding_or_several_are_refused_with_those_that_are_taken(shop: Site, coding: str) -> None:
    """RFC 7694: 415 with Accept-Encoding. Rejects a second layer, in which a bomb could hide from the ratio."""
    answer = sent(shop, b"x", coding)
    assert answer.status_code == 415
    assert answer.headers["Accept-Encoding"] == "gzip, br"
    twice = site_with_two_headers(shop)
    assert twice.status_code == 415


def site_with_two_headers(site: Site) -> httpx.Response:
    """Two Content-Encoding headers are two codings."""
    key = site.server.keys["cordia"]
    headers = [
        ("Authorization", f"Bearer {key}"),
        ("Content-Type", "application/json"),
        ("Content-Encoding", "gzip"),
        ("Content-Encoding", "gzip"),
    ]
    return site.http.post("/epcis/capture", content=b"x", headers=headers)


@pytest.mark.parametrize("name", sorted(INFLATERS))
@pytest.mark.parametrize("size", [1, 7, 1000, 10**9])
def test_an_inflater_gives_bounded_parts_of_the_same_octets(name: str, size: int) -> None:
    """Rejects parts as large as the whole, and output lost between one part of the input and the next."""
    plain = bytes(range(256)) * 300 + b"0" * 400_000
    coded = CODERS[name](plain)
    inflater = INFLATERS[name]()
    given = bytearray()
    for chunk in in_parts(coded, size):
        inflater.feed(chunk)
        while part := inflater.more():
            assert len(part) <= 100_000
            given += part
    assert inflater.is_complete()
    assert given == plain


def test_gzip_of_several_members_is_one_body() -> None:
    """RFC 1952 2.2. Rejects reading the first member alone."""
    inflater = GzipInflater()
    inflater.feed(gzip.compress(b"one") + gzip.compress(b"") + gzip.compress(b"two"))
    given = b""
    while part := inflater.more():
        given += part
    assert (given, inflater.is_complete()) == (b"onetwo", True)


def test_answers_are_gzipped_only_where_asked_and_worth_it(shop: Site) -> None:
    """RFC 9110 12.5.3. Rejects compression against `gzip;q=0`, and a Content-Length of the plain body."""
    shop.job("cordia", shop.capture("cordia", numbered(30, "answers")))
    path = "/epcis/events?perPage=30"

    def raw(coding: str, path: str = path) -> tuple[httpx.Headers, bytes]:
        headers = {"Authorization": f"Bearer {shop.server.keys['cordia']}", "Accept-Encoding": coding}
        with shop.http.stream("GET", path, headers=headers) as answer:
            return answer.headers, b"".join(answer.iter_raw())

    plain_headers, plain = raw("identity")
    assert "content-encoding" not in plain_headers
    headers, coded = raw("gzip, br;q=0.5")
    assert headers["content-encoding"] == "gzip"
    assert int(headers["content-length"]) == len(coded) < len(plain) // 4
    events = orjson.loads(zlib.decompress(coded, 31))["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert events == orjson.loads(plain)["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
    assert "content-encoding" not in raw("gzip;q=0, identity")[0]
    small, _ = raw("gzip", "/epcis/bizSteps")
    assert "content-encoding" not in small
    for found in (headers, plain_headers, small):
        assert "accept-encoding" in found["vary"].lower()
        assert "accept" in found["vary"].lower().replace("accept-encoding", "")

"""Writes docs/corpus.md: what becomes of each published GS1 example on its way through two servers over HTTP.

Run it in the checkout's environment, with the published examples at hand: `.dev/venv/bin/python docs/make_corpus.py`;
a test fails when the page is stale. It must not judge by anything but what the servers answer.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from live_server import running_server  # noqa: E402
from shared_data import shared_folder  # noqa: E402
from traceward.epcis import identity, json_codec, xml_codec  # noqa: E402
from traceward.epcis.document import RawEvent  # noqa: E402
from traceward.gs1.check_digits import check_digit  # noqa: E402

PAGE: Final = Path(__file__).with_name("corpus.md")
EXAMPLES: Final = "standard/examples/gs1"
FOLDERS: Final = ("json", "json-simple-context", "xml", "xml-1.2")
JSON: Final = {"Accept": "application/json"}
#: Column -> the headers that ask for it.
ANSWERS: Final = {
    "JSON": JSON,
    "XML 2.0": {"Accept": "application/xml"},
    "XML 1.2": {"Accept": "application/xml", "GS1-EPCIS-Max": "1.2.0"},
}
_DOCTYPE: Final = re.compile(rb"<!DOCTYPE[^>]*>")

HEAD: Final = """# The published GS1 examples, through two servers

Each example file is captured over HTTP by an organisation of its own. Its events are asked for as JSON, as XML 2.0 and
as XML 1.2; each answer is captured on a second server, again by an organisation of its own, and asked for as JSON
there. Where an organisation would see events that others captured of the same items, the file is taken again, with
empty servers for it alone. *Equal*: the same set of events, by their identity, which covers every field but recordTime.
Made by `docs/make_corpus.py`, checked by `tests/corpus`.

Every file that is captured comes back equal. Those in JSON that are refused, the official JSON schema refuses too. Two
in XML are refused that the official XML schema takes: it allows persistentDisposition in aggregations, and a sensor
report without a type, where the JSON schema has neither; one set of rules is for every format.

"""


@dataclass(frozen=True)
class Row:
    """One file. captured: empty where it was, else why not; answers: column -> empty where equal, else what differs."""

    file: str
    events: int
    captured: str
    answers: dict[str, str]
    remark: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether everything came back equal."""
        return not self.captured and not any(self.answers.values())

    def line(self) -> str:
        """The row of the table."""
        words = [f"no: {self.captured}" if self.captured else "yes"]
        words += ["-" if self.captured else self.answers[column] or "equal" for column in ANSWERS]
        return f"| {self.file} | {self.events} | {' | '.join(words)} | {self.remark} |"


class Server:
    """A running server on which every party is new."""

    def __init__(self, client: httpx.Client, admin_key: str) -> None:
        self._client = client
        self._admin = {"Authorization": f"Bearer {admin_key}"}
        self._count = 0

    def new_party(self) -> Party:
        """An organisation that has captured nothing and sees nothing."""
        self._count += 1
        digits = f"95099{self._count:07}"
        party = f"https://id.gs1.org/417/{digits}{check_digit(digits)}"
        named = {"id": party, "name": f"Reader {self._count}", "companyPrefixes": [], "consignees": []}
        self._client.post("/admin/organisations", json=named, headers=self._admin).raise_for_status()
        body = {"organisation": party, "role": "clinical", "name": "corpus"}
        key = self._client.post("/admin/keys", json=body, headers=self._admin).raise_for_status().json()["key"]
        return Party(self._client, {"Authorization": f"Bearer {key}"})


class Party:
    """One organisation's way to a server."""

    def __init__(self, client: httpx.Client, key: dict[str, str]) -> None:
        self._client = client
        self._key = key

    def capture(self, body: bytes) -> str:
        """Nothing when every event of the body was captured, else why not."""
        is_xml = body.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<"
        path = "/epcis/capture" if is_xml or b"epcisBody" in body else "/epcis/events"
        media_type = "application/xml" if is_xml else "application/json"
        answer = self._client.post(path, content=body, headers=self._key | {"Content-Type": media_type})
        if answer.status_code == 202:
            job = self._client.get(answer.headers["location"], headers=self._key).raise_for_status().json()
            return "" if job["success"] and not job["running"] else _reason(job["errors"][0])
        return "" if answer.status_code == 201 else _reason(answer.json())

    def events(self, wanted: dict[str, str]) -> bytes:
        """The document of all that the party sees."""
        answer = self._client.get("/epcis/events?perPage=1000", headers=self._key | wanted)
        return answer.raise_for_status().content


def _reason(problem: dict[str, Any]) -> str:
    errors = [error for error in problem.get("errors") or () if error.get("severity", "error") == "error"]
    text = f"{errors[0]['path']}: {errors[0]['message']}" if errors else str(problem.get("detail"))
    return text.replace("|", "\\|").replace("<", "&lt;")


def files() -> list[Path]:
    """The published examples, in a fixed order; no file where they are not at hand."""
    found = [path for folder in FOLDERS for path in sorted((shared_folder() / EXAMPLES / folder).rglob("*"))]
    return [path for path in found if path.suffix in {".jsonld", ".json", ".xml"} and "CaptureJob" not in path.parts]


def rows(of: Iterable[Path]) -> Iterator[Row]:
    """What becomes of each of those files."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source, target = (stack.enter_context(_server(folder / name)) for name in ("source", "target"))
        for number, path in enumerate(of):
            row = _row(path, source, target)
            if not row.captured and not row.is_whole:
                with contextlib.ExitStack() as own:
                    names = [f"{number} {name}" for name in ("source", *ANSWERS)]
                    row = _row(path, *(own.enter_context(_server(folder / name)) for name in names))
            yield row


def page() -> str:
    """The text of docs/corpus.md."""
    made = list(rows(files()))
    lines = [HEAD]
    for folder in FOLDERS:
        of_folder = [row for row in made if row.file.startswith(f"{folder}/")]
        whole = sum(row.is_whole for row in of_folder)
        lines.append(f"## {folder}: {whole} of {len(of_folder)} files come back equal in every format\n\n")
        lines.append(f"| file | events | captured | {' | '.join(ANSWERS)} | remark |\n")
        lines.append("|---|---|---" + "|---" * len(ANSWERS) + "|---|\n")
        lines += [f"{row.line()}\n" for row in of_folder]
        lines.append("\n")
    return "".join(lines).rstrip("\n") + "\n"


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[Server]:
    with (
        running_server(folder, demo=True, demo_storyline=False) as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        yield Server(client, server.keys["admin"])


def _row(path: Path, source: Server, *targets: Server) -> Row:
    name = path.relative_to(shared_folder() / EXAMPLES).as_posix()
    body, remark = path.read_bytes(), ""
    party = source.new_party()
    refused = party.capture(body)
    if refused and _DOCTYPE.search(body):
        remark = "refused for its DOCTYPE, captured without"
        body = _DOCTYPE.sub(b"", body)
        refused = party.capture(body)
    if refused:
        return Row(name, 0, refused, {}, remark)
    sent = _identities(body)
    answers = {
        column: _back(party.events(wanted), sent, target)
        for (column, wanted), target in zip(ANSWERS.items(), itertools.cycle(targets))
    }
    return Row(name, len(sent), "", answers, remark)


def _back(answer: bytes, sent: set[bytes], target: Server) -> str:
    """Nothing when the answer, captured by a new party, gives the events that were sent; else what differs."""
    party = target.new_party()
    refused = party.capture(answer)
    if refused:
        return f"refused: {refused}"
    back = _identities(party.events(JSON))
    return "" if back == sent else f"{len(sent - back)} events lost, {len(back - sent)} others in their place"


def _identities(body: bytes) -> set[bytes]:
    """The identity of every event of a document, or of the one bare event."""
    return {_identity(event) for event in _events(body)}


def _events(body: bytes) -> list[RawEvent]:
    if body.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<":
        return xml_codec.read_document(body).events
    return json_codec.read_document(body).events if b"epcisBody" in body else [json_codec.read_event(body)]


def _identity(event: RawEvent) -> bytes:
    expanded = identity.expand(event.data, event.context)
    expanded.setdefault("eventID", identity.assigned_event_id(event.data, event.context))
    return identity.digest(expanded)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")

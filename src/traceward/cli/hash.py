"""`traceward hash FILE...`: the event hashes of EPCIS documents, with no server; it changes no file."""

from dataclasses import dataclass
from typing import Annotated, Any, get_args

import typer

from traceward.cli.documents import UnreadableFileError, findings_of, read_file
from traceward.cli.output import ExitCode, JsonFlag, print_json, print_problem, visible
from traceward.epcis import event_hash, rules
from traceward.epcis.document import RawEvent
from traceward.epcis.errors import ValidationException
from traceward.epcis.event_hash import Algorithm

_SCHEME = "ni:///"
_ALGORITHMS: dict[str, Algorithm] = {name: name for name in get_args(Algorithm)}


@dataclass(frozen=True, slots=True)
class HashedEvent:
    """One event. hash: None where it has none, `fault` then says why; given: its eventID as sent."""

    path: str
    given: str | None = None
    hash: str | None = None
    pre_hash: str | None = None
    fault: str | None = None

    @property
    def agrees(self) -> bool | None:
        """Whether the eventID is the hash; None where it is absent or claims to be no hash."""
        if self.given is None or not self.given.startswith(_SCHEME):
            return None
        return self.hash is not None and self.given.lower() == self.hash.lower()


def _algorithm(name: str) -> str:
    if name not in _ALGORITHMS:
        raise typer.BadParameter(f"{name!r}; expected one of {', '.join(_ALGORITHMS)}")
    return name


def hash_events(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="EPCIS documents in JSON or XML; - reads standard input.")
    ],
    prehash: Annotated[
        bool, typer.Option("--prehash", help="Show the string that is hashed, before its hash.")
    ] = False,
    algorithm: Annotated[
        str, typer.Option("--algorithm", callback=_algorithm, help=f"One of {', '.join(_ALGORITHMS)}.")
    ] = "sha-256",
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="FIELD", help="A top field of events that does not count; may be repeated."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare with the eventID that an event carries, by its own algorithm.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Print the event hash of each event: `ni:///sha-256;...?ver=CBV2.0`, then the file and the event's place.

    CBV 2.0, event hash ids: the same event has one hash, in JSON and in XML, by URN and by Digital Link. It proves
    nothing of who made an event, and different events can be made that share a hash. Ends with 1 when an event has no
    hash, or with --check when an eventID that is a hash is not that of its event; with 2 when a file cannot be read.
    """
    ignored = frozenset(ignore or ())
    answers: list[dict[str, Any]] = []
    codes = {ExitCode.DONE}
    for file in files:
        hashed, fault, code = _hashed(file, _ALGORITHMS[algorithm], ignored, by_given=check)
        wrong = any(one.fault or (check and one.agrees is False) for one in hashed)
        codes |= {code, ExitCode.FOUND_FAULTS if wrong else ExitCode.DONE}
        if as_json:
            answers.append(_as_data(file, hashed, fault, prehash=prehash, check=check))
        else:
            _print(file, hashed, prehash=prehash, check=check)
            if fault is not None:
                print_problem(f"{file}: {fault}")
    if as_json:
        print_json(answers)
    raise typer.Exit(max(codes))


def _hashed(
    file: str, algorithm: Algorithm, ignored: frozenset[str], *, by_given: bool
) -> tuple[list[HashedEvent], str | None, ExitCode]:
    """The events of a file; and why it was not read, or not to its end, with the exit code for that."""
    hashed: list[HashedEvent] = []
    try:
        read_file(file, lambda event: hashed.append(_of_event(event, algorithm, ignored, by_given=by_given)))
    except UnreadableFileError as error:
        return hashed, str(error), ExitCode.CANNOT_RUN
    except ValidationException as error:
        return hashed, "; ".join(finding.message for finding in findings_of(error)), ExitCode.FOUND_FAULTS
    return hashed, None, ExitCode.DONE


def _of_event(event: RawEvent, algorithm: Algorithm, ignored: frozenset[str], *, by_given: bool) -> HashedEvent:
    path = event.path or "event"
    errors = [finding for finding in rules.check_event(event) if finding.severity == "error"]
    if errors:
        return HashedEvent(path, fault=f"{errors[0].path or path}: {errors[0].message}")
    given = event.data.get("eventID")
    if by_given and given is not None and given.startswith(_SCHEME):
        stated = given[len(_SCHEME) :].partition(";")[0]
        algorithm = _ALGORITHMS.get(stated, algorithm)
    text = event_hash.pre_hash(event.data, event.context, ignored=ignored)
    return HashedEvent(path, given, event_hash.hash_uri(text, algorithm), text)


def _as_data(file: str, hashed: list[HashedEvent], fault: str | None, *, prehash: bool, check: bool) -> dict[str, Any]:
    events = []
    for one in hashed:
        shown: dict[str, Any] = {"path": one.path, "eventID": one.given, "hash": one.hash}
        if prehash:
            shown["prehash"] = one.pre_hash
        if check:
            shown["agrees"] = one.agrees
        events.append(shown | ({"error": one.fault} if one.fault else {}))
    return {"file": file, "events": events} | ({"error": fault} if fault else {})


def _print(file: str, hashed: list[HashedEvent], *, prehash: bool, check: bool) -> None:
    for one in hashed:
        if one.fault is not None:
            print_problem(f"{file}: no hash: {one.fault}")
            continue
        if prehash:
            typer.echo(visible(one.pre_hash or ""))
        words = [one.hash, file, one.path, *([_compared(one)] if check else [])]
        typer.echo("  ".join(visible(word or "") for word in words))


def _compared(one: HashedEvent) -> str:
    if one.agrees is None:
        return "no eventID" if one.given is None else "eventID is no hash"
    return "as its eventID" if one.agrees else f"NOT its eventID {one.given}"

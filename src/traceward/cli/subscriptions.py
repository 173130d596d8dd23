"""`traceward subscriptions`: what waits for one's own webhooks, and what to do about it, on a running server.

It must not talk to a database or to a receiver: the server does both.
"""

from typing import Annotated, Any
from urllib.parse import quote

import typer

from traceward.cli.administration import server_for
from traceward.cli.options import DEFAULT_URL, KeyOption, UrlOption
from traceward.cli.output import ExitCode, JsonFlag, fail, print_json, print_table

subscriptions_app = typer.Typer(no_args_is_help=True, help="Webhooks of one's own queries on a running server.")

Identifier = Annotated[str, typer.Argument(metavar="ID", help="The subscriptionID.")]


@subscriptions_app.command("list")
def list_subscriptions(url: UrlOption = DEFAULT_URL, key: KeyOption = None, as_json: JsonFlag = False) -> None:
    """Show every subscription, its state, what waits and the last error."""
    with server_for(url, key) as server:
        answer = server.request("GET", "/subscriptions").body
    if as_json:
        print_json(answer)
        return
    rows = [
        (
            one["subscriptionID"],
            one["queryName"],
            one["state"],
            str(one["waitingEvents"]),
            str(one["deadLetters"]),
            one["lastError"] or "",
        )
        for one in answer["subscriptions"]
    ]
    print_table("Subscriptions", ("id", "query", "state", "events waiting", "dead letters", "last error"), rows)


@subscriptions_app.command("dead-letters")
def list_dead_letters(
    identifier: Identifier, url: UrlOption = DEFAULT_URL, key: KeyOption = None, as_json: JsonFlag = False
) -> None:
    """Show the messages that were given up."""
    with server_for(url, key) as server:
        answer = server.request("GET", f"{_path(identifier)}/dead-letters").body
    if as_json:
        print_json(answer)
        return
    rows = [
        (str(one["number"]), one["createdAt"], str(one["events"]), str(one["attempts"]), one["lastError"] or "")
        for one in answer["deadLetters"]
    ]
    print_table("Dead letters", ("number", "made at", "events", "attempts", "last error"), rows)


@subscriptions_app.command("redeliver")
def redeliver(
    identifier: Identifier,
    number: Annotated[int, typer.Argument(help="The dead letter's number.", min=1)],
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
) -> None:
    """Send a dead letter once more."""
    with server_for(url, key) as server:
        asked = server.post_json(f"{_path(identifier)}/dead-letters/{number}/redeliver", {})
    typer.echo(f"message {asked['messageID']} will be sent again")


@subscriptions_app.command("pause")
def pause(identifier: Identifier, url: UrlOption = DEFAULT_URL, key: KeyOption = None) -> None:
    """Deliver nothing until resumed."""
    _set_state(identifier, "pause", url, key)


@subscriptions_app.command("resume")
def resume(identifier: Identifier, url: UrlOption = DEFAULT_URL, key: KeyOption = None) -> None:
    """Deliver again, at once."""
    _set_state(identifier, "resume", url, key)


@subscriptions_app.command("test")
def try_out(
    identifier: Identifier, url: UrlOption = DEFAULT_URL, key: KeyOption = None, as_json: JsonFlag = False
) -> None:
    """Have a message without events sent to the receiver, and tell what it answered."""
    with server_for(url, key) as server:
        told: dict[str, Any] = server.post_json(f"{_path(identifier)}/test", {})
    if as_json:
        print_json(told)
    elif told["delivered"]:
        typer.echo(f"the receiver answered {told['status']}")
    if not told["delivered"]:
        raise fail(f"not delivered: {told['error']}", ExitCode.FOUND_FAULTS)


def _set_state(identifier: str, action: str, url: str, key: str | None) -> None:
    with server_for(url, key) as server:
        now = server.post_json(f"{_path(identifier)}/{action}", {})
    typer.echo(f"{now['subscriptionID']} is {now['state']}")


def _path(identifier: str) -> str:
    return f"/subscriptions/{quote(identifier, safe='')}"

"""`traceward parties` and `traceward keys`: who may use a running server; for the holder of an admin key.

It must not talk to a database: the server is asked, and records who asked.
"""

import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from traceward.cli.options import DEFAULT_URL, KeyOption, UrlOption, connect
from traceward.cli.output import ExitCode, JsonFlag, fail, print_json, print_table
from traceward.cli.server_client import ServerClient, ServerRefusedError, ServerUnreachableError

organisations_app = typer.Typer(no_args_is_help=True, help="Trading partners that a running server knows (admin key).")
keys_app = typer.Typer(no_args_is_help=True, help="API keys of a running server (admin key).")


@organisations_app.command("list")
def list_organisations(url: UrlOption = DEFAULT_URL, key: KeyOption = None, as_json: JsonFlag = False) -> None:
    """Show every organisation."""
    with server_for(url, key) as server:
        answer = server.request("GET", "/admin/organisations").body
    if as_json:
        print_json(answer)
        return
    rows = [(one["name"], one["id"], ", ".join(one["companyPrefixes"])) for one in answer["organisations"]]
    print_table("Organisations", ("name", "id", "GS1 company prefixes"), rows)


@organisations_app.command("add")
def add_organisation(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="PGLN, such as https://id.gs1.org/417/4012345000009")],
    name: Annotated[str, typer.Argument(help="Name for people.")],
    prefix: Annotated[list[str] | None, typer.Option("--prefix", help="A GS1 company prefix; may be repeated.")] = None,
    consignee: Annotated[
        list[str] | None, typer.Option("--consignee", help="PGLN of one that holds its goods; may be repeated.")
    ] = None,
    carrier: Annotated[bool, typer.Option("--carrier", help="It sees the movements of its consignments only.")] = False,
    take_over: Annotated[
        bool,
        typer.Option("--take-over-prefixes", help="Prefixes that another organisation holds have passed on to it."),
    ] = False,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make an organisation known."""
    body = {
        "id": identifier,
        "name": name,
        "companyPrefixes": prefix or [],
        "consignees": consignee or [],
        "kind": "carrier" if carrier else "partner",
        "takeOverPrefixes": take_over,
    }
    with server_for(url, key) as server:
        made = server.post_json("/admin/organisations", body)
    if as_json:
        print_json(made)
    else:
        typer.echo(f"{made['name']} is known as {made['id']}")


@organisations_app.command("show")
def show_organisation(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="PGLN of an organisation that is known.")],
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Show one organisation with its keys."""
    with server_for(url, key) as server:
        parties = server.request("GET", "/admin/organisations").body["organisations"]
        keys = server.request("GET", "/admin/keys").body["keys"]
    party = next((one for one in parties if one["id"] == identifier), None)
    if party is None:
        raise fail(f"there is no organisation {identifier}", ExitCode.FOUND_FAULTS)
    own = [one for one in keys if one["organisation"] == identifier]
    if as_json:
        print_json(party | {"keys": own})
        return
    typer.echo(f"{party['name']} ({party['id']}), {party['kind']}")
    typer.echo(f"GS1 company prefixes: {', '.join(party['companyPrefixes']) or 'none'}")
    typer.echo(f"holders of its goods: {', '.join(party['consignees']) or 'none'}")
    print_table("Keys", _KEY_COLUMNS, [_key_row(one) for one in own])


@organisations_app.command("agree")
def agree_consignment(
    owner: Annotated[str, typer.Argument(help="PGLN of the party that owns the goods.")],
    consignee: Annotated[str, typer.Argument(help="PGLN of the party that holds them.")],
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
) -> None:
    """Record that a party holds another's goods by agreement."""
    with server_for(url, key) as server:
        server.post_json("/admin/consignments", {"owner": owner, "consignee": consignee})
    typer.echo(f"{consignee} holds goods of {owner} by agreement")


@keys_app.command("list")
def list_keys(url: UrlOption = DEFAULT_URL, key: KeyOption = None, as_json: JsonFlag = False) -> None:
    """Show every key that is not revoked, without its secret."""
    with server_for(url, key) as server:
        answer = server.request("GET", "/admin/keys").body
    if as_json:
        print_json(answer)
        return
    print_table("API keys", _KEY_COLUMNS, [_key_row(one) for one in answer["keys"]])


@keys_app.command("create")
def create_key(
    organisation: Annotated[str, typer.Argument(help="Identifier of an organisation that is known.")],
    role: Annotated[
        str,
        typer.Argument(help="admin, clinical, supply, supplier, carrier, privacy_officer, device or reader."),
    ],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    expires: Annotated[str | None, typer.Option(help="Its last day (2027-06-30), or a date-time with zone.")] = None,
    place: Annotated[str | None, typer.Option(help="SGLN that it is bound to; a device's key needs one.")] = None,
    right: Annotated[
        list[str] | None, typer.Option("--right", help="A right of the role to give it, instead of all; repeatable.")
    ] = None,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a key; it is shown this once."""
    scope = {"expiresAt": expires, "place": place, "rights": right}
    body: dict[str, Any] = {"organisation": organisation, "role": role, "name": name}
    body |= {field: value for field, value in scope.items() if value}
    with server_for(url, key) as server:
        made = server.post_json("/admin/keys", body)
    if as_json:
        print_json(made)
    else:
        typer.echo(made["key"])


@keys_app.command("rotate")
def rotate_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="The part between the underscores of tw_..._...")],
    overlap_s: Annotated[int, typer.Option("--overlap", help="Seconds for which the old key still works.")] = 86_400,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make the successor of a key, with its scope; it is shown this once, and the old key ends after the overlap."""
    with server_for(url, key) as server:
        made = server.post_json(
            f"/admin/keys/{urllib.parse.quote(key_id, safe='')}/rotation", {"overlapSeconds": overlap_s}
        )
    if as_json:
        print_json(made)
    else:
        typer.echo(made["key"])


@keys_app.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="The part between the underscores of tw_..._...")],
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
) -> None:
    """Revoke a key and end its sessions."""
    with server_for(url, key) as server:
        server.request("DELETE", f"/admin/keys/{urllib.parse.quote(key_id, safe='')}")
    typer.echo(f"key {key_id} is revoked")


_KEY_COLUMNS = ("id", "organisation", "role", "name", "made", "expires", "last used", "place")


def _key_row(one: dict[str, Any]) -> tuple[str, ...]:
    names = ("id", "organisation", "role", "name", "createdAt", "expiresAt", "lastUsedAt", "place")
    return tuple(str(one[name] or "") for name in names)


@contextmanager
def server_for(url: str, key: str | None) -> Iterator[ServerClient]:
    """The server to ask; its refusals and its absence end the command with a message."""
    try:
        yield connect(url, key)
    except ServerUnreachableError as error:
        raise fail(str(error), ExitCode.SERVER) from error
    except ServerRefusedError as error:
        refused_key = error.status in {401, 403}
        raise fail(str(error), ExitCode.SERVER if refused_key else ExitCode.FOUND_FAULTS) from error

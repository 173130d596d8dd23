"""`traceward organisations` and `traceward keys`: who may use a running server; for the holder of an admin key."""

import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from traceward.cli.options import DEFAULT_URL, KeyOption, UrlOption, connect
from traceward.cli.output import ExitCode, JsonFlag, fail, print_json, print_table
from traceward.cli.server_client import ServerClient, ServerRefusedError, ServerUnreachableError

organisations_app = typer.Typer(no_args_is_help=True, help="Trading partners that a running server knows (admin key).")
keys_app = typer.Typer(no_args_is_help=True, help="API keys of a running server (admin key).")


@organisations_app.command("list")
def list_organisations(url: UrlOption = DEFAULT_URL, key: KeyOption = None, as_json: JsonFlag = False) -> None:
    """Show every organisation."""
    with _server(url, key) as server:
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
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make an organisation known."""
    body = {"id": identifier, "name": name, "companyPrefixes": prefix or []}
    with _server(url, key) as server:
        made = server.post_json("/admin/organisations", body)
    if as_json:
        print_json(made)
    else:
        typer.echo(f"{made['name']} is known as {made['id']}")


@keys_app.command("list")
def list_keys(url: UrlOption = DEFAULT_URL, key: KeyOption = None, as_json: JsonFlag = False) -> None:
    """Show every key that is not revoked, without its secret."""
    with _server(url, key) as server:
        answer = server.request("GET", "/admin/keys").body
    if as_json:
        print_json(answer)
        return
    rows = [(one["id"], one["organisation"], one["role"], one["name"], one["createdAt"]) for one in answer["keys"]]
    print_table("API keys", ("id", "organisation", "role", "name", "made"), rows)


@keys_app.command("create")
def create_key(
    organisation: Annotated[str, typer.Argument(help="Identifier of an organisation that is known.")],
    role: Annotated[str, typer.Argument(help="admin, clinical, supply, supplier or reader.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a key; it is shown this once."""
    body = {"organisation": organisation, "role": role, "name": name}
    with _server(url, key) as server:
        made = server.post_json("/admin/keys", body)
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
    with _server(url, key) as server:
        server.request("DELETE", f"/admin/keys/{urllib.parse.quote(key_id, safe='')}")
    typer.echo(f"key {key_id} is revoked")


@contextmanager
def _server(url: str, key: str | None) -> Iterator[ServerClient]:
    """The server to ask; its refusals and its absence end the command with a message."""
    try:
        yield connect(url, key)
    except ServerUnreachableError as error:
        raise fail(str(error), ExitCode.SERVER) from error
    except ServerRefusedError as error:
        refused_key = error.status in {401, 403}
        raise fail(str(error), ExitCode.SERVER if refused_key else ExitCode.FOUND_FAULTS) from error

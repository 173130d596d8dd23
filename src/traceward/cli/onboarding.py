"""`traceward onboard`: a partner's way onto a running server, step by step; run again, it goes on where it stopped.

It must not keep state: the server does. A key goes into a file that its owner alone may read, or is shown once.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from traceward.cli.administration import server_for
from traceward.cli.options import DEFAULT_URL, KeyOption, UrlOption
from traceward.cli.output import ExitCode, JsonFlag, fail, print_json, print_table
from traceward.cli.server_client import ServerClient
from traceward.services.identity.key_files import write_secret_file

_ROLES = ("supplier", "hospital", "carrier")


def onboard(
    partner: Annotated[str, typer.Argument(metavar="PARTNER", help="PGLN, as https://id.gs1.org/417/9521141000007")],
    host: Annotated[str, typer.Option(help="PGLN of the organisation here that it works with.")],
    role: Annotated[str | None, typer.Option(help="supplier, hospital or carrier.")] = None,
    name: Annotated[str | None, typer.Option(help="Its name for people.")] = None,
    prefix: Annotated[list[str] | None, typer.Option("--prefix", help="Its GS1 company prefix; repeatable.")] = None,
    site: Annotated[list[str] | None, typer.Option("--site", help="SGLN under agreement; repeatable.")] = None,
    gtin: Annotated[list[str] | None, typer.Option("--gtin", help="Product under agreement; repeatable.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="Where the partner's key goes; else it is shown once.")] = None,
    host_key: Annotated[
        str | None, typer.Option(envvar="TRACEWARD_HOST_KEY", help="The host's own key, or @FILE: for the agreement.")
    ] = None,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Take a partner onto the server: organisation, key, agreement, test capture (--key: an administrator's)."""
    with server_for(url, key) as server:
        state = _begun(
            server, {"host": host, "partner": partner, "role": role, "name": name, "companyPrefixes": prefix}
        )
        if not _is_done(state, "key"):
            state = server.post_json("/onboarding/key", {"host": state["host"], "partner": state["partner"]})
            _hand_over(state.pop("key"), key_file)
    if "agreement" in _open_steps(state) and host_key is not None:
        draft = {"partner": state["partner"], "sites": site or _asked("site"), "gtins": gtin or _asked("gtin")}
        with server_for(url, host_key) as own:
            state = own.post_json("/onboarding/agreement", draft)
    if as_json:
        print_json(state)
    else:
        _show(state)


def _begun(server: ServerClient, wanted: dict[str, Any]) -> Any:
    """The onboarding as it stands, begun where it is not; what is needed for that and not given is asked for."""
    listed = server.request("GET", "/onboarding").body["onboardings"]
    found = next((one for one in listed if (one["host"], one["partner"]) == (wanted["host"], wanted["partner"])), None)
    if found is not None:
        return found
    role = wanted["role"] or _asked("role", _ROLES)[0]
    known = server.request("GET", "/admin/organisations").body["organisations"]
    if all(one["id"] != wanted["partner"] for one in known):
        wanted = wanted | {"name": wanted["name"] or _asked("name")[0]}
    body = {"host": wanted["host"], "partner": wanted["partner"], "role": role}
    return server.post_json(
        "/onboarding", body | {"name": wanted["name"] or "", "companyPrefixes": wanted["companyPrefixes"] or []}
    )


def _asked(option: str, choices: tuple[str, ...] = ()) -> list[str]:
    """What a person types for an option that was left out; where nobody can be asked the command ends."""
    if not sys.stdin.isatty():
        raise fail(f"--{option} is missing; it is needed for this step", ExitCode.CANNOT_RUN)
    hint = f" ({', '.join(choices)})" if choices else ""
    return [str(typer.prompt(f"{option}{hint}")).strip()]


def _hand_over(key: str, file: Path | None) -> None:
    if file is not None:
        write_secret_file(file, f"{key}\n")
        typer.echo(f"the partner's key is in {file}; hand it over safely", err=True)
    else:
        typer.echo(f"the partner's key, shown this once: {key}", err=True)


def _is_done(state: dict[str, Any], step: str) -> bool:
    return any(one["step"] == step and one["done"] for one in state["steps"])


def _open_steps(state: dict[str, Any]) -> list[str]:
    return [one["step"] for one in state["steps"] if not one["done"]]


def _show(state: dict[str, Any]) -> None:
    rows = [("done" if one["done"] else "open", one["step"], one["by"], one["detail"]) for one in state["steps"]]
    print_table(f"{state['partner']} as {state['role']} of {state['host']}", ("", "step", "by", "detail"), rows)
    for one in state["steps"]:
        if not one["done"] and one["command"]:
            typer.echo(f"next, by the {one['by']}: {one['next']}\n  {one['command']}")
    if state["state"] == "done":
        typer.echo("done: the partner may capture")

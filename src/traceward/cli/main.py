"""The `traceward` command and its subcommands; it must hold no behaviour of theirs."""

from typing import Annotated

import typer

from traceward import __version__
from traceward.cli.administration import keys_app, organisations_app
from traceward.cli.agreements import agreements_app
from traceward.cli.audit import audit_app
from traceward.cli.capture import capture
from traceward.cli.conformance import conformance
from traceward.cli.convert import convert
from traceward.cli.doctor import doctor
from traceward.cli.hash import hash_events
from traceward.cli.imports import import_file
from traceward.cli.ledger import ledger_app
from traceward.cli.onboarding import onboard
from traceward.cli.reindex import reindex
from traceward.cli.scan import scan
from traceward.cli.serve import serve
from traceward.cli.subscriptions import subscriptions_app
from traceward.cli.validate import validate

app = typer.Typer(
    name="traceward",
    help="GS1 EPCIS 2.0 traceability for medical consignment stock.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (serve, scan, capture, convert, validate, doctor, conformance):
    app.command()(command)
app.command("hash")(hash_events)
app.command("import")(import_file)
app.command()(onboard)
app.command()(reindex)
app.add_typer(organisations_app, name="parties")
app.add_typer(organisations_app, name="organisations", hidden=True)
app.add_typer(keys_app, name="keys")
app.add_typer(ledger_app, name="ledger")
app.add_typer(audit_app, name="audit")
app.add_typer(subscriptions_app, name="subscriptions")
app.add_typer(agreements_app, name="agreements")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"traceward {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """GS1 EPCIS 2.0 traceability for medical consignment stock."""


def main() -> None:
    """Run the command that the process was started with."""
    app()

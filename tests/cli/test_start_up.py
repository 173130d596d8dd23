"""What starting the command line costs: a command loads what it needs, not what the others do."""

import subprocess
import sys

from cli_processes import environment


def test_no_command_waits_for_a_tool_kit_that_only_a_server_or_a_database_needs() -> None:
    """Rejects a subcommand that imports services of the store at its head: every other one then waits seconds."""
    source = "import sys, traceward.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, text=True, env=environment())

    loaded = set(done.stdout.split())
    assert "traceward.cli.ledger" in loaded
    assert not loaded & {"alembic", "fastapi", "pydantic", "sqlalchemy", "sqlmodel"}

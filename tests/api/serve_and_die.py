"""A demo server that dies by SIGKILL where its data folder's file `armed` says: the arguments of serve_for_kills.

`projecting`: after an event is written and before the ledger takes it in; `answering`: after the commit and before the
answer. The file is taken away first, so that the server which is started next lives.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import serve_for_kills

from traceward.api.access_log import AccessLog
from traceward.ledger.projector import Projector


def main() -> None:
    """Serve until killed, by whomever."""
    armed = Path(sys.argv[1]) / "armed"

    def die_if(moment: str) -> None:
        if armed.exists() and armed.read_text() == moment:
            armed.unlink()
            os.kill(os.getpid(), signal.SIGKILL)

    apply, answer = Projector.apply, AccessLog.__call__

    def apply_or_die(self: Projector, *arguments: Any) -> Any:
        die_if("projecting")
        return apply(self, *arguments)

    async def answer_or_die(self: AccessLog, scope: Any, receive: Any, send: Callable[[Any], Any]) -> None:
        async def send_or_die(message: Any) -> None:
            die_if("answering")
            await send(message)

        await answer(self, scope, receive, send_or_die)

    Projector.apply = apply_or_die  # type: ignore[method-assign]
    AccessLog.__call__ = answer_or_die  # type: ignore[method-assign]
    serve_for_kills.main()


if __name__ == "__main__":
    main()

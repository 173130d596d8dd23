"""A process that rebuilds a ledger and kills itself on the way, for the test of what is left then.

python killed_rebuild.py URL folding|written
"""

import os
import signal
import sys

from ledger.flows import PARTIES
from ledger.stored import Ledgers
from traceward.ledger.rebuild import Rebuild
from traceward.store.engine import open_store
from traceward.store.write import WriteTransaction


def main() -> None:
    url, moment = sys.argv[1:]
    store = open_store(url, clock=lambda: 1_840_000_000_000_000, secret_key=b"k" * 32)
    ledgers = Ledgers(store, PARTIES)
    names = {number: party for party, number in ledgers.numbers.items()}

    def unit(tx: WriteTransaction) -> None:
        rebuild = Rebuild(tx, PARTIES, lambda numbers: tuple(sorted(names[one] for one in numbers)), ledgers.agreements)
        rebuild.run((lambda *_: die()) if moment == "folding" else None, records_at_once=1)
        die()

    store.committer.run(unit)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()

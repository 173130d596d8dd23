"""A process that captures until it is killed: prints each batch once it is acknowledged, for the test that kills it.

python crash_child.py URL FIRST_BATCH
"""

import sys
import threading
import time

from store.cases import Case, write_cases
from traceward.store.engine import open_store

CLIENTS = 3


def batch_of(number: int) -> list[Case]:
    """One to five events, all of one batch; the same for the same number."""
    return [
        Case(f"b{number}-{place}", number, (("epc", f"urn:epc:{number}"),), vocabulary=(("epcs", f"urn:epc:{number}"),))
        for place in range(number % 5 + 1)
    ]


def main() -> None:
    url, first = sys.argv[1], int(sys.argv[2])
    store = open_store(url, clock=lambda: time.time_ns() // 1000)
    turn = threading.Lock()
    numbers = iter(range(first, first + 1_000_000))

    def say(word: str, number: int) -> None:
        sys.stdout.write(f"{word} {number}\n")
        sys.stdout.flush()

    def client() -> None:
        while True:
            with turn:
                number = next(numbers)
                say("try", number)
            cases = batch_of(number)
            store.committer.run(lambda tx, cases=cases: write_cases(tx, store, cases), weight=len(cases))  # type: ignore[misc]
            with turn:
                say("ack", number)

    for _ in range(CLIENTS):
        threading.Thread(target=client).start()


if __name__ == "__main__":
    main()

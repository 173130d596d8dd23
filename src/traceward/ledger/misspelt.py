"""The conflict "wrong_check_digit": an event that names a GTIN whose check digit does not fit; a typing or label error.

Pure. It must not refuse or mend anything: the goods are what the event calls them until it is declared in error, and
perhaps they are counterfeit. Domain: 4.4.
"""

from collections.abc import Iterable
from typing import Final

from traceward.gs1.check_digits import has_valid_check_digit
from traceward.ledger.conflicts import Conflict, conflict
from traceward.ledger.facts import GS1, LedgerEvent, keys
from traceward.ledger.parties import Parties
from traceward.ledger.visibility import named_parties

KIND: Final = "wrong_check_digit"
_STEM: Final = f"{GS1}01/"
_END: Final = len(_STEM) + 14


def misspelt(event: LedgerEvent, captors: Iterable[str], parties: Parties) -> list[Conflict]:
    """What is to be said of the GTINs of a shared event, one conflict for each thing it names by a wrong one.

    One for each thing, not for each GTIN: the things of an event are also folded apart, and must be told of alike.
    """
    named = sorted({key for key in keys(event) if key.startswith(_STEM)})
    wrong = {gtin for gtin in {key[len(_STEM) : _END] for key in named} if not has_valid_check_digit(gtin)}
    if not wrong:
        return []
    told = {party for party in (*captors, *named_parties(event, parties)) if party is not None and party in parties}
    return [
        conflict(KIND, (key,), (event.eid,), told, event.event_time_us, what=gtin)
        for key in named
        if (gtin := key[len(_STEM) : _END]) in wrong
    ]

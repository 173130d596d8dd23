"""What a scan tells of the things on a label beyond the label itself: name, recall, use; and to whom."""

from typing import Any

import pytest

from api.conftest import Site

LOT = "010952114104530510LOT77A"
IMPLANTED = "010952114101023521V23-0008"
THERE = "010952114101023521V23-0007"
NOTHING = {"product": None, "flags": [], "gone": None}


def known(site: Site, name: str, text: str) -> Any:
    """What a caller is told with the judgement of that symbol, the same for symbol and item."""
    answer = site.request(name, "POST", "/scan", json={"symbologyIdentifier": "]d2", "text": text})
    assert answer.status_code == 200, answer.text
    (symbol,), (item,) = answer.json()["symbols"], answer.json()["items"]
    assert symbol["known"] == item["known"]
    return symbol["known"]


def test_a_recalled_lot_is_told_before_it_is_used(story: Site) -> None:
    """Rejects flags of the balance row alone: a recall of the whole lot is a notice beside it."""
    for name in ("northgate-clinical", "northgate-supply", "cordia"):
        assert "recalled" in known(story, name, LOT)["flags"]
        assert known(story, name, LOT)["gone"] is None


def test_a_serial_that_was_used_is_told_and_one_that_is_there_is_not(story: Site) -> None:
    assert known(story, "northgate-clinical", IMPLANTED)["gone"] == "implanted"
    assert known(story, "northgate-clinical", THERE)["gone"] is None


@pytest.mark.parametrize("text", [LOT, IMPLANTED, THERE])
def test_who_has_no_part_in_the_goods_is_told_what_is_told_of_unknown_ones(story: Site, text: str) -> None:
    """Rejects a look at everybody's book: a competitor would learn of recalls and uses by typing labels."""
    unknown = known(story, "rival-supplier", "010952114199999721NEVER")
    assert known(story, "rival-supplier", text) == unknown == NOTHING


def test_a_text_that_names_no_thing_has_nothing_known(story: Site) -> None:
    answer = story.request(
        "northgate-clinical", "POST", "/scan", json={"symbologyIdentifier": "]d2", "text": "17300131"}
    )
    assert [one["known"] for one in answer.json()["symbols"]] == [None]

"""Query parameters of our own interface: what a route does not declare is refused, by one rule for every router."""

import re

from api.conftest import Site

_STANDARDS = re.compile(r"/(epcis|fhir|soap|app|setup|\.well-known|\d+/|masterdata/vocabularies/x/|$)")


def own_reads(site: Site) -> list[str]:
    """Every path of our own interface that is read by GET, with something in place of its path parameters."""
    paths = site.http.get("/openapi.json").json()["paths"]
    filled = {re.sub(r"\{[^}]*\}", "x", path) for path, item in paths.items() if "get" in item}
    return sorted(path for path in filled if not _STANDARDS.match(path))


def test_every_own_path_refuses_a_parameter_that_it_does_not_know_and_names_it(site: Site) -> None:
    """Rejects the usual way of web frameworks, which answer for all of time where `from` is misspelt as `form`."""
    paths = own_reads(site)
    assert {"/consignment/usage-trends", "/alerts", "/consignment/ghosts", "/counts", "/agreements"} <= set(paths)
    assert len(paths) > 40
    for path in paths:
        answer = site.request("northgate-clinical", "GET", path, params={"form": "2026-01-01"})
        assert answer.status_code == 400, (path, answer.status_code, answer.text[:200])
        assert "'form' is no parameter here" in answer.json()["detail"], (path, answer.text)


def test_a_parameter_given_twice_is_refused_rather_than_half_read(site: Site) -> None:
    for path in ("/consignment/usage-trends?days=30&days=90", "/alerts?state=open&state=closed"):
        answer = site.request("cordia", "GET", path)
        assert (answer.status_code, "more than once" in answer.json()["detail"]) == (400, True), answer.text


def test_what_changes_something_refuses_unknown_parameters_too(site: Site) -> None:
    body = {"place": {"gln": "4012345000016"}}
    answer = site.request("northgate-supply", "POST", "/counts", params={"dryRun": "true"}, json=body)
    assert (answer.status_code, "'dryRun'" in answer.json()["detail"]) == (400, True), answer.text
    assert site.get("northgate-supply", "/counts")["counts"] == []


def test_the_bindings_of_standards_keep_their_own_rules(site: Site) -> None:
    """A Digital Link may carry any attribute; SimpleMasterDataQuery has parameters that no route can list."""
    link = site.request("cordia", "GET", "/01/09521141045305?linkType=all&s4t=x")
    assert link.status_code != 400, link.text
    path = "/masterdata/vocabularies/urn:epcglobal:epcis:vtype:Location/elements"
    assert site.request("cordia", "GET", path, params={"HASATTR": "a"}).status_code == 200
    assert site.request("cordia", "GET", path, params={"form": "a"}).status_code == 400


def test_pages_are_documented_where_they_are_read(site: Site) -> None:
    paths = site.http.get("/openapi.json").json()["paths"]
    for path in ("/usage", "/alerts", "/consignment/stock", "/consignment/conflicts", "/audit"):
        named = {one.get("name") for one in paths[path]["get"]["parameters"]}
        assert {"perPage", "nextPageToken"} <= named, path

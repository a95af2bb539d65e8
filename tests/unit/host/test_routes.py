"""Which request goes to which template."""

import pytest

from infra.local.host.errors import CannotStart
from infra.local.host.routes import Route, readable_path


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("models/{model}/score", "/api/models/flights/score", {"model": "flights"}),
        ("models/{model}/score", "/api/Models/flights/SCORE/", {"model": "flights"}),
        ("models/{model}/score", "/api/models//score", None),
        ("models/{model}/score", "/models/flights/score", None),
        ("rows/{row:int}", "/api/rows/-12", {"row": "-12"}),
        ("rows/{row:int}", "/api/rows/twelve", None),
        ("rows/{row:int?}", "/api/rows", {}),
        ("names/{name:alpha}", "/api/names/a1", None),
        ("names/{name:length(2,3)}", "/api/names/abcd", None),
        ("names/{name:maxlength(3)}", "/api/names/abc", {"name": "abc"}),
        ("names/{name:minlength(3)}", "/api/names/ab", None),
        (
            "ids/{id:guid}",
            "/api/ids/0a0A0a0a-1111-2222-3333-444444444444",
            {"id": "0a0A0a0a-1111-2222-3333-444444444444"},
        ),
        ("docs/{*rest}", "/api/docs/a/b.html", {"rest": "a/b.html"}),
        ("docs/{*rest}", "/api/docs", {}),
        ("files/{name}.{kind}", "/api/files/a.json", {"name": "a", "kind": "json"}),
        ("a.b", "/api/aXb", None),
    ],
)
def test_a_template_matches_what_asp_net_core_matches(
    template: str, path: str, expected: dict[str, str] | None
) -> None:
    assert Route.parse(template, prefix="api").match(path) == expected


def test_an_empty_prefix_adds_nothing() -> None:
    """This app's own routes begin with ``api`` themselves."""
    assert Route.parse("api/health", prefix="").match("/api/health") == {}
    assert Route.parse("", prefix="").match("/") == {}


def test_the_more_specific_template_comes_first() -> None:
    """Whatever the order of declaration, ``latest`` must not be taken for a number or a name."""
    templates = ["runs/{*rest}", "runs/{name}", "runs/{number:int}", "runs/v{number}", "runs/latest"]

    ordered = sorted((Route.parse(each, prefix="") for each in templates), key=lambda route: route.precedence)

    assert [route.template for route in ordered] == [
        "runs/latest",
        "runs/v{number}",
        "runs/{number:int}",
        "runs/{name}",
        "runs/{*rest}",
    ]


@pytest.mark.parametrize("template", ["a/{b:regex(x)}", "a/{b", "a/{b:range(1)}"])
def test_what_is_not_known_is_refused(template: str) -> None:
    """A constraint that was ignored would let requests in that Azure turns away."""
    with pytest.raises(CannotStart, match="route"):
        Route.parse(template, prefix="")


def test_an_encoded_slash_stays_encoded() -> None:
    """Otherwise a name with a slash in it would be another route."""
    assert readable_path(b"/models/..%2Fx%20y/score") == "/models/..%2Fx y/score"

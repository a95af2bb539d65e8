"""HTTP triggers, as clients see them."""

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.integration.host.system import Answer, Instance, Sandbox, wait_until


@pytest.fixture(scope="module")
def host(make_sandbox: Callable[[], Sandbox]) -> Iterator[Instance]:
    box = make_sandbox()
    yield box.start()
    box.close()


def test_a_function_gets_the_whole_request(host: Instance) -> None:
    headers = {"x-functions-key": host.function, "X-Sent": "twice, said once"}

    answer = host.request("POST", "/api/echo/a%20b/7?x=1&x=2&y=%C3%A9&empty=", body=b"\xff\x00body", headers=headers)

    assert answer.status == 201
    assert answer.headers["x-kept"] == "yes"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["set-cookie"] == "a=b; Path=/"
    told = answer.json
    assert told["method"] == "POST"
    assert told["url"].endswith("/api/echo/a%20b/7?x=1&x=2&y=%C3%A9&empty=")
    assert told["route_params"] == {"name": "a b", "number": "7"}
    assert told["params"] == {"x": "1,2", "y": "é"}
    assert told["header"] == "twice, said once"
    assert told["body"] == "\xff\x00body"
    assert told["function"] == "echo"


def test_an_optional_parameter_may_be_left_out(host: Instance) -> None:
    assert host.get(f"/api/echo/ann?code={host.function}").json["route_params"] == {"name": "ann"}


def test_bytes_come_back_as_they_were_sent(host: Instance) -> None:
    body = bytes(range(256)) * 1000

    answer = host.request("PUT", "/api/same", body=body)

    assert answer.body == body
    assert answer.headers["content-type"] == "application/octet-stream"


def test_functions_on_one_path_are_told_apart_by_method(host: Instance) -> None:
    answer = host.get("/api/same")

    assert (answer.status, answer.body) == (200, b"read by GET")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/api/same"),
        ("HEAD", "/api/same"),
        ("GET", "/api/nothing"),
        ("GET", "/same"),
        ("GET", "/"),
        ("GET", "/api/echo/a/b"),
    ],
)
def test_what_no_function_answers_is_not_found(host: Instance, method: str, path: str) -> None:
    """A method that is not declared is a 404, not a 405: that is what the real host says."""
    answer = host.request(method, path)

    assert (answer.status, answer.body) == (404, b"")


def test_without_a_good_key_nothing_is_told(host: Instance) -> None:
    for path in ("/api/echo/a", "/api/echo/a?code=wrong", "/api/secret", f"/api/secret?code={host.function}"):
        answer = host.get(path)
        assert (answer.status, answer.body) == (401, b"")


def test_the_master_key_opens_everything(host: Instance) -> None:
    assert host.get(f"/api/echo/a?code={host.master}").status == 201
    assert host.get("/api/secret", **{"X-Functions-Key": host.master}).body == b"GET by the master"


def test_an_exception_is_an_empty_500(host: Instance) -> None:
    """The text of an exception may hold what no client should read."""
    answer = host.get("/api/broken")

    assert (answer.status, answer.body) == (500, b"")


def test_the_host_tells_its_state_to_the_master_only(host: Instance) -> None:
    assert host.get("/admin/host/status").status == 401
    assert host.get(f"/admin/host/status?code={host.function}").status == 401
    assert host.state()["state"] == "Running"


def test_only_timers_can_be_run_by_hand(host: Instance) -> None:
    assert host.run_timer("echo") == 404
    assert host.run_timer("nobody") == 404
    assert host.request("POST", "/admin/functions/ticking").status == 401


def test_a_request_under_way_is_answered_before_the_host_ends(sandbox: Sandbox) -> None:
    """A scale-in must not break off what it already let in."""
    host = sandbox.start()
    answers: list[Answer] = []
    asking = threading.Thread(target=lambda: answers.append(host.get("/api/slow?seconds=1.5")))
    asking.start()
    wait_until(lambda: host.state()["running"] > 0)

    assert host.process.stop() == 0

    asking.join()
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"done")]


def test_a_function_that_takes_too_long_fails(sandbox: Sandbox) -> None:
    """``functionTimeout`` of the test app is 3 seconds."""
    host = sandbox.start()

    assert host.get("/api/slow?seconds=30").status == 500

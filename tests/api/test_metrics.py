"""
What Prometheus reads, and who may.
"""

import re

import pytest

from cerberus.api import create_app
from cerberus.errors import Unavailable
from cerberus.settings import Settings


def read(app, **options):
    return app.test_client().get("/metrics", **options)


def value(app, name):
    """The number that stands behind a name with its labels; 0 where it was never counted."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", read(app).get_data(as_text=True), re.M)
    return float(found[1]) if found else 0.0


def test_requests_are_counted_by_endpoint_method_and_class(api, app):
    name = 'cerberus_http_requests_total{endpoint="projects.show_project",method="GET",status="4xx"}'
    before = value(app, name)
    api.as_("charlie").get("/projects/fraud")
    api.as_("charlie").get("/projects/secret-plan")
    assert value(app, name) == before + 2
    assert value(app, 'cerberus_http_request_seconds_count{endpoint="projects.show_project",method="GET"}') >= 2


def test_no_label_holds_what_a_client_sent(api, app):
    api.as_("bob").call("BREW", "/projects/secret-plan")
    api.as_("bob").get("/nowhere/secret-plan")
    text = read(app).get_data(as_text=True)
    assert "secret-plan" not in text
    assert "BREW" not in text
    assert "bob" not in text


def test_decisions_are_counted_by_their_outcome(api, app):
    allowed, denied = ('cerberus_decisions_total{outcome="' + word + '"}' for word in ("allowed", "denied"))
    before = value(app, allowed), value(app, denied)
    bob = api.as_("bob")
    check = {"kind": "experiment", "project": "fraud"}
    bob.post("/checks", {"checks": [{**check, "verb": "read"}, {**check, "verb": "delete"}]})
    bob.client.put("/api/v1/projects/fraud/members/charlie", json={"role": "viewer"}, headers=bob.headers)
    assert (value(app, allowed), value(app, denied)) == (before[0] + 1, before[1] + 2)


def test_failed_sign_ins_are_counted(api, app):
    name = 'cerberus_sign_in_failures_total{reason="not_signed_in"}'
    before = value(app, name)
    api.as_(None).post("/sign-in", {"name": "bob", "password": "guess"})
    api.as_(None).get("/me")
    assert value(app, name) == before + 1


def test_the_state_of_the_database_is_told(app, cerberus, cast, monkeypatch):
    assert value(app, "cerberus_database_up") == 1
    assert value(app, "cerberus_policy_version") == cerberus.version()

    def away():
        raise Unavailable("away")

    monkeypatch.setattr(cerberus, "version", away)
    assert value(app, "cerberus_database_up") == 0
    assert read(app).status_code == 200


def test_lost_audit_lines_are_counted(app, cerberus, cast):
    before = value(app, "cerberus_audit_drops_total")

    def fault(session):
        raise Unavailable("away")

    cerberus._context.later(fault, what="a line")
    cerberus.settle()
    assert value(app, "cerberus_audit_drops_total") == before + 1


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("192.0.2.1", {}, 403),
        ("", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 403),
    ],
)
def test_only_this_machine_reads_them(app, address, headers, status):
    assert read(app, headers=headers, environ_base={"REMOTE_ADDR": address}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "Bearer of-prometheus"}, 200),
        ({"Authorization": "Bearer another"}, 401),
        ({"Authorization": "Bearer é"}, 401),
        ({}, 401),
    ],
)
def test_with_a_token_it_is_needed_from_everywhere(cerberus, headers, status):
    app = create_app(Settings(cerberus_metrics_token="of-prometheus"), cerberus=cerberus)
    for address in ("127.0.0.1", "192.0.2.1"):
        assert read(app, headers=headers, environ_base={"REMOTE_ADDR": address}).status_code == status

"""Roles, grants, projects and requests: one use case, one line; a step of the version where policy changed."""

import pytest

from cerberus.policy import Kind, Level, Resource
from cerberus.service import SYSTEM

EXPERIMENT = Resource("fraud", Kind.EXPERIMENT, "7")
LEVELS = {"*": "USE"}


@pytest.fixture
def prepared(cast, cerberus):
    """A role that nobody has, a grant, something that Dana owns, and Charlie's open request (all about `fraud`)."""
    cerberus.roles.create(cast.alice, "fraud", name="stager", levels=LEVELS)
    cerberus.grants.own(cast.dana, EXPERIMENT)
    cerberus.projects.change(cast.alice, "fraud", askable=True)
    return {
        "grant": cerberus.grants.give(cast.alice, EXPERIMENT, subject="readers", level=Level.USE).id,
        "request": cerberus.requests.ask(cast.charlie, "fraud", role="viewer").id,
    }


CHANGES = {
    "role.create": lambda c, cast, _: c.roles.create(cast.alice, "fraud", name="labeller", levels=LEVELS),
    "role.change": lambda c, cast, _: c.roles.change(cast.alice, "fraud", name="stager", description="x"),
    "role.delete": lambda c, cast, _: c.roles.delete(cast.alice, "fraud", name="stager"),
    "project.create": lambda c, cast, _: c.projects.create(cast.admin, "vision", maintainer="charlie"),
    "project.change": lambda c, cast, _: c.projects.change(cast.alice, "fraud", name="F"),
    "project.delete": lambda c, cast, _: c.projects.delete(cast.erin, "churn"),
    "grant.revoke": lambda c, cast, ids: c.grants.revoke(cast.alice, ids["grant"]),
    "ownership.hand_over": lambda c, cast, _: c.grants.hand_over(cast.dana, EXPERIMENT, owner="alice"),
    "request.approve": lambda c, cast, ids: c.requests.approve(cast.alice, ids["request"]),
}
NOTES = {
    "request.ask": lambda c, cast, _: c.requests.ask(cast.erin, "fraud", role="viewer"),
    "request.refuse": lambda c, cast, ids: c.requests.refuse(cast.alice, ids["request"], answer="no"),
    "request.withdraw": lambda c, cast, ids: c.requests.withdraw(cast.charlie, ids["request"]),
}


@pytest.mark.parametrize("action", [*CHANGES, *NOTES])
def test_every_use_case_is_one_line(prepared, cast, cerberus, action):
    """And a step of the version when it changes who may do what; the chain goes on."""
    version, lines = cerberus.version(), len(cerberus.audit.search(SYSTEM, limit=1000))
    (CHANGES | NOTES)[action](cerberus, cast, prepared)
    written = cerberus.audit.search(SYSTEM, limit=1000)
    assert (written[0].action, len(written)) == (action, lines + 1)
    assert cerberus.version() == version + (action in CHANGES)
    assert cerberus.audit.verify() is None


def test_ownership_is_revoked_like_a_grant(prepared, cast, cerberus):
    """MLflow can restore an experiment that it deleted, so its owner is kept, and the project with it, until then."""
    for grant in cerberus.grants.page(cast.alice, "fraud"):
        cerberus.grants.revoke(cast.alice, grant.id)
    cerberus.projects.delete(cast.alice, "fraud")

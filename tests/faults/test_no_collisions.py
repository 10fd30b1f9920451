"""
What is written without holding the policy's lock (last uses, failures, denials) meets neither one another nor changes.
"""

import logging
import threading
from datetime import timedelta

import pytest

from cerberus.errors import CerberusError, Unavailable
from cerberus.service import SYSTEM, Origin
from cerberus.service.secrets import cookie_hash, read_token
from cerberus.store import credentials

pytestmark = pytest.mark.on_each_database
TIMES = 12


@pytest.fixture
def deeds(cast, cerberus):
    """All that is done at once, some to the same rows."""
    database, service, tokens, address = cerberus._database, cerberus, {}, Origin("192.0.2.1", "tests", "r")
    for name in ("bob", "dana"):
        tokens[name] = read_token(cast.token(name)).id
    session = service.sessions.sign_in("dana", cast.password, address)

    def write(task, *values):
        with database.writing() as opened:
            task(opened, *values)

    def now():
        return service._context.now()

    return (
        lambda: write(credentials.used, tokens["dana"], now()),
        lambda: write(credentials.used, tokens["bob"], now()),
        lambda: write(credentials.seen, session.session.id, now()),
        lambda: service.sessions.sign_in("dana", "wrong", address),
        lambda: service.sessions.sign_in("dana", cast.password, Origin(f"192.0.2.{threading.get_ident() % 200}")),
        lambda: service.sessions.sign_in_for_token("bob", cast.password, Origin()),
        lambda: service.sessions.credential(session.cookie),
        lambda: service.people.end_sessions(SYSTEM, "dana"),
        lambda: (
            service.people.reset_password(SYSTEM, "dana", new=cast.password + " again")
            and service.people.reset_password(SYSTEM, "dana", new=cast.password)
        ),
        lambda: write(lambda opened: credentials.sweep(opened, session.session.subject_id, before=now())),
        lambda: write(lambda opened: credentials.sweep_failures(opened, since=now() + timedelta(days=1))),
        lambda: service._context.note_later({"who": "bob", "action": "a.b", "target": "t"}, what="a denial"),
        lambda: service.groups.create(cast.bob, "never"),
        lambda: service.sessions.end_with_token(cast.bob, cast.token("bob")),
        lambda: (service.people.disable(SYSTEM, "bob"), service.people.enable(SYSTEM, "bob")),
        lambda: cookie_hash(session.cookie) and service.sessions.list(cast.admin),
    )


@pytest.mark.timeout(300)
def test_deeds_of_every_kind_at_once_do_not_collide(deeds, cerberus, caplog):
    faults, gate = [], threading.Barrier(len(deeds))

    def do(deed):
        gate.wait(30)
        for _ in range(TIMES):
            try:
                deed()
            except Unavailable as error:
                faults.append(error)
            except CerberusError:
                pass  # a wrong password, a session that is over, a person who is disabled for the moment
            except Exception as error:
                faults.append(error)

    with caplog.at_level(logging.WARNING, logger="cerberus"):
        threads = [threading.Thread(target=do, args=(deed,)) for deed in deeds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        cerberus.settle()
    assert faults == []
    assert [record.getMessage() for record in caplog.records] == []
    assert cerberus.audit.verify() is None

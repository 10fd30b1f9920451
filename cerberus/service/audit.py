"""What happened, by whom: to look up, to hand out, to verify, and to note what was refused."""

from collections.abc import Iterator
from datetime import datetime
from typing import Unpack

from cerberus.errors import Conflict, Forbidden, Invalid
from cerberus.policy import Decision, Principal, Verb
from cerberus.service import parse
from cerberus.service.access import project_resource
from cerberus.service.actors import Actor, Origin, line_of_denial
from cerberus.service.context import Context
from cerberus.store import audit, chain, retention
from cerberus.store.chain import Broken, Examined
from cerberus.store.database import Deadlocked
from cerberus.store.records import AuditLine, AuditSearch

MOST = 1000
AT_ONCE = 1000


class Audit:
    """Reads the audit, notes refusals, and removes what is old."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def search(
        self, actor: Actor, *, limit: int = 100, after: str | None = None, **wanted: Unpack[AuditSearch]
    ) -> list[AuditLine]:
        """
        Lines that have all the given values, newest first; `after` is the `position` of the last one seen.

        Admins and auditors see every line; who manages a project those of the project.
        """
        parse.position(after, AuditLine.moment_and_id)
        _require_moments(wanted)
        with self._context.view_at_length(actor) as view:
            project = wanted.get("project")
            if not view.oversees:
                if project is None:
                    raise Forbidden("You may see the audit of a project that you manage.", hint="Name the project.")
                if not view.sees_policy_on(project_resource(project)):
                    view.access.require(Verb.MANAGE, project_resource(project))
            found = audit.search(view.session, wanted, limit=max(1, min(limit, MOST)), after=after)
        if after is None:
            self._context.looked(actor, "audit.search", "audit", project, about=_as_said(wanted))
        return found

    def export(
        self, actor: Actor, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[AuditLine]:
        """
        Every line from the first to the last of that time, in the order in which they were written, read as needed.

        For admins and auditors.
        """
        time = AuditSearch(since=since, until=until)
        _require_moments(time)
        with self._context.view_at_length(actor) as view:
            view.require_oversight()
            first, last = audit.ids_between(view.session, since, until)
        self._context.looked(actor, "audit.export", "audit", about=_as_said(time))
        return self._lines(first, last)

    def _lines(self, first: int, last: int) -> Iterator[AuditLine]:
        # A transaction for each thousand: whoever reads slowly keeps no connection from the others.
        seen = first - 1
        while seen < last:
            with self._context.database.reading() as session:
                rows = audit.rows_after(session, seen, until=last, limit=AT_ONCE)
            yield from map(audit.line_of, rows)
            seen = rows[-1].id if rows else last

    def record_denial(
        self, principal: Principal, decision: Decision, origin: Origin, *, at: datetime | None = None
    ) -> None:
        """
        Notes a refusal, of now or of the moment given; returns at once, and drops the line rather than wait when too
        many are on their way.
        """
        line = line_of_denial(Actor(principal, origin), decision)
        self._context.note_later(line, what="the audit line of a denial", at=at)

    def examine(self) -> Examined:
        """
        Walks the whole chain of lines, as it was when the walk began; changes go on meanwhile.
        """
        with self._context.database.reading_at_length() as session:
            return chain.examine(session)

    def verify(self) -> Broken | None:
        """
        The first line that is not as it was written; None when the chain holds.
        """
        return self.examine().broken

    def trim(self, actor: Actor, *, before: datetime) -> int:
        """
        Removes the lines that are older, and says so in a line; how many there were. The chain holds afterwards.

        Conflict when it cannot be told where the chain begins. Admins only.
        """
        with self._context.view_at_length(actor) as view:
            view.require_admin()
            if parse.moment(before, "before") > view.now:
                raise Invalid("That is in the future.", field="before")
            last = retention.last_before(view.session, before)
        with self._context.change_at_length(actor) as change:
            change.require_admin()
            if chain.start_of(change.session, change.state.chain_start) is None:
                raise Conflict("It cannot be told where the audit begins.", hint="Run `cerberus audit verify`.")
            cut = retention.cut_at(change.session, change.state, last)
            if cut is not None:
                change.note("audit.trim", "audit", after={**cut.as_said, "before": before.isoformat()})
                change.state.chain_start = cut.hash
        while self._remove_some():
            pass
        return 0 if cut is None else cut.count

    def _remove_some(self) -> bool:
        try:
            with self._context.database.writing() as session:
                return retention.remove_some(session) > 0
        except Deadlocked:
            return True  # these are still to be removed


def _as_said(wanted: AuditSearch) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in wanted.items()}


def _require_moments(wanted: AuditSearch) -> None:
    for field, value in (("since", wanted.get("since")), ("until", wanted.get("until"))):
        if value is not None:
            parse.moment(value, field)

"""Signing in at an OpenID provider: it begins here, and what comes back must fit it, once and in the same browser."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cerberus.errors import Conflict, Invalid, NotFound, NotSignedIn, Unavailable
from cerberus.policy import SubjectKind
from cerberus.service import parse, sign_on_rules
from cerberus.service.actors import Actor, Origin, line_of_failed_sign_in
from cerberus.service.admission import Admission
from cerberus.service.again import again
from cerberus.service.change import View
from cerberus.service.context import Context
from cerberus.service.sessions import NewSession
from cerberus.sso.options import LocalSignIn, Options
from cerberus.sso.provider import Begun, Provider
from cerberus.sso.tokens import is_subject
from cerberus.store import credentials, identities, subjects
from cerberus.store.identities import Identity, SignOnBegun
from cerberus.store.tables import SubjectRow

LIFE: Final = timedelta(minutes=10)
LONGEST_NEXT: Final = 500
LOCAL_PATH: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
AGAIN: Final = "Sign in again."
NOT_SET_UP: Final = "Single sign-on is not set up here."


@dataclass(frozen=True, slots=True)
class SignOnInfo:
    """What anybody may know of how people sign in here. `name` is None where there is no single sign-on."""

    name: str | None
    issuer: str | None
    jwt_audience: str | None
    local_sign_in: LocalSignIn


@dataclass(frozen=True, slots=True)
class Entered:
    """A session begun by signing in at the provider, and the page that was asked for before."""

    new: NewSession
    next: str


class SignOn:
    """Begins and ends sign-ins at the provider; says whose account there is whose here."""

    def __init__(self, context: Context, options: Options, provider: Provider) -> None:
        self._context = context
        self._options = options
        self._provider = provider
        self._admission = Admission(context, options, sign_on_rules.read(options.rules))

    @property
    def info(self) -> SignOnInfo:
        """
        What is set up; no secrets.
        """
        options = self._options
        return SignOnInfo(
            name=options.name if options.signs_in else None,
            issuer=options.issuer or None,
            jwt_audience=options.jwt_audience or None,
            local_sign_in=options.local_sign_in,
        )

    def begin(self, *, browser: str, next: str, redirect_uri: str) -> str:
        """
        The provider's address to send this browser to. Unavailable when the provider or the database is away.

        Args:
            browser: What tells this browser from others, and stays there; never empty.
            next: The page to open afterwards: a path of this site; anything else counts as `/`.
            redirect_uri: Where the provider is to send the browser back to.
        """
        self._require_set_up()
        if not browser:
            raise NotSignedIn("This browser keeps no cookies from here.", hint="Allow cookies and reload the page.")
        begun = Begun(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), redirect_uri)
        address = self._provider.address(begun)
        now = self._context.now()
        row = SignOnBegun(_hash(browser), begun.nonce, begun.verifier, local_path(next), now)
        with self._context.database.writing() as session:
            identities.sweep_sign_ons(session, before=now - LIFE)
            identities.put_sign_on(session, _hash(begun.state), row)
        return address

    def finish(self, answer: Mapping[str, str], *, browser: str, redirect_uri: str, origin: Origin) -> Entered:
        """
        A new session for whoever signed in at the provider, with the groups and roles that the rules give them.

        NotSignedIn with a reason when anything does not fit; Conflict when a new user's name is taken; Unavailable
        when the provider or the database is away. A state works once, whatever comes of it.
        """
        self._require_set_up()
        state = answer.get("state", "")
        found = self._taken(state, browser)
        if "error" in answer:
            raise self._refusal_of_provider(answer["error"])
        begun = Begun(state, found.nonce, found.verifier, redirect_uri)
        try:
            subject, claims = self._provider.claims(answer, begun)
            return Entered(again(self._admission.admit)(subject, claims, origin), found.next)
        except (NotSignedIn, Conflict, Invalid) as error:
            self._record_refusal(error, origin)
            raise

    def _taken(self, state: str, browser: str) -> SignOnBegun:
        found = None
        if 20 <= len(state) <= 100:
            with self._context.database.writing() as session:
                found = identities.take_sign_on(session, _hash(state))
        if found is None:
            raise NotSignedIn("This sign-in is unknown, or was used already.", hint=AGAIN)
        if not browser or not hmac.compare_digest(found.browser_hash, _hash(browser)):
            raise NotSignedIn("This sign-in began in another browser, or at another address of Studio.", hint=AGAIN)
        if self._context.now() - found.created_at >= LIFE:
            raise NotSignedIn("This sign-in took too long.", hint=AGAIN)
        return found

    def _refusal_of_provider(self, error: str) -> NotSignedIn | Unavailable:
        name = self._options.name
        if error == "access_denied":
            return NotSignedIn(f"{name}: the sign-in was cancelled, or you may not use this application.", hint=AGAIN)
        if error in ("server_error", "temporarily_unavailable"):
            return Unavailable(f"{name} does not work at the moment.", hint="Try again in a moment.")
        return NotSignedIn(f"{name} refused the sign-in.", hint="Tell whoever runs this server.")

    def _record_refusal(self, error: NotSignedIn | Conflict | Invalid, origin: Origin) -> None:
        line = {**line_of_failed_sign_in("?", origin), "after": {"by": self._options.issuer, "reason": error.message}}
        self._context.note_later(line, what="the audit line of a failed sign-in")

    def _require_set_up(self) -> None:
        if not self._options.signs_in:
            raise NotFound(NOT_SET_UP)

    def link(self, actor: Actor, name: object, *, issuer: object, external_id: object) -> None:
        """
        From now on, who signs in as `external_id` at `issuer` is this user or service account. Admins only.

        Conflict when that account is linked already.
        """
        where, whom = _account(issuer, external_id)
        with self._context.change(actor) as change:
            change.require_admin()
            row = _person(change, name)
            other = identities.owner(change.session, where, whom)
            if other is not None and other.id != row.id:
                raise Conflict(f"That account at the provider belongs to {other.name}.", hint="Unlink it first.")
            if other is None:
                identities.link(change.session, row.id, where, external_id=whom, at=change.now)
                about = {"issuer": where, "subject": whom}
                change.record("identity.link", f"{row.kind}:{row.name}", after=about)

    def unlink(self, actor: Actor, name: object, *, issuer: object, external_id: object) -> None:
        """
        Ends that, and every session of theirs. NotFound when the account was not linked to them. Admins only.
        """
        where, whom = _account(issuer, external_id)
        with self._context.change(actor) as change:
            change.require_admin()
            row = _person(change, name)
            if not identities.unlink(change.session, row.id, where, external_id=whom):
                raise NotFound(f"{name} is not linked to that account.")
            credentials.end_sessions(change.session, change.now, subject_id=row.id)
            change.record("identity.unlink", f"{row.kind}:{row.name}", before={"issuer": where, "subject": whom})

    def identities(self, actor: Actor, name: object) -> list[Identity]:
        """
        The accounts at providers that sign in as this user or service account. Admins only.
        """
        with self._context.view(actor) as view:
            view.require_admin()
            return identities.identities_of(view.session, _person(view, name).id)


def _person(view: View, name: object) -> SubjectRow:
    row = subjects.by_name(view.session, parse.user_name(name))
    if row is None or row.kind == SubjectKind.GROUP:
        raise NotFound(f"There is no user or service account {name}.")
    return row


def local_path(wanted: object) -> str:
    """
    `wanted` if it is a path of this very site, else `/`: nobody is sent elsewhere after signing in.
    """
    if isinstance(wanted, str) and len(wanted) <= LONGEST_NEXT and LOCAL_PATH.fullmatch(wanted):
        return wanted
    return "/"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _account(issuer: object, external_id: object) -> tuple[str, str]:
    for value, field in ((issuer, "issuer"), (external_id, "subject")):
        if not is_subject(value):
            raise Invalid(f"{field} has 1 to 255 characters, in one line.", field=field)
    return str(issuer), str(external_id)

"""The demo's projects and people: somebody in every role, a group, and service accounts. Made once, kept later."""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe

from cerberus.errors import Conflict
from cerberus.policy import Scope
from cerberus.service import SYSTEM, Actor, Cerberus, NewToken
from studio.local.layout import Layout
from studio.local.people import remember

TOKEN_NAME = "demo data"  # noqa: S105 - what people see, not a secret
PROJECTS = {
    "fraud": ("Fraud", "Find fraudulent payments. Stand-in data: scikit-learn's breast cancer and wine."),
    "churn": ("Churn", "Who is about to leave? Stand-in data: scikit-learn's diabetes and iris."),
    "vision": ("Vision", "Read handwritten digits. scikit-learn's digits."),
}
PEOPLE = {
    "alice": "Alice Ahlers",
    "bob": "Bob Bauer",
    "carl": "Carl Chen",
    "charlie": "Charlie Costa",
    "dana": "Dana Demir",
    "erin": "Erin Evans",
    "vera": "Vera Vogt",
    "victor": "Victor Varga",
}
GROUPS = {"readers": ("Readers of fraud", ("bob",)), "auditing": ("Auditing team", ("bob", "erin"))}
MEMBERS = {
    "fraud": {"alice": "maintainer", "dana": "contributor", "readers": "viewer"},
    "churn": {"erin": "maintainer", "carl": "contributor", "alice": "viewer"},
    "vision": {"vera": "maintainer", "victor": "contributor", "auditing": "viewer"},
}
ASKABLE = {"vision"}
REQUEST = ("charlie", "vision", "viewer", "To see how far the digits are before we label more.")
SERVICE_ACCOUNTS = {"fraud": "fraud-trainer", "vision": "vision-trainer"}
NOTES = {
    "alice": "maintainer of fraud, viewer of churn",
    "bob": "viewer of fraud and vision, through groups",
    "carl": "contributor to churn",
    "charlie": "is in no project and sees nothing; has asked to be let into vision",
    "dana": "contributor to fraud",
    "erin": "maintainer of churn, viewer of vision through a group",
    "vera": "maintainer of vision, to whom charlie's request waits",
    "victor": "contributor to vision",
}


def ensure_people(cerberus: Cerberus, layout: Layout) -> None:
    """
    Every project, person, group and membership of the demo exists; passwords of new people are written down.
    """
    for slug, (name, description) in PROJECTS.items():
        if _once(lambda s=slug, n=name, d=description: cerberus.projects.create(SYSTEM, s, name=n, description=d)):
            cerberus.projects.change(SYSTEM, slug, askable=slug in ASKABLE)
    for name, display_name in PEOPLE.items():
        _ensure_person(cerberus, layout, name, display_name)
    for group, (display_name, members) in GROUPS.items():
        _once(lambda g=group, d=display_name: cerberus.groups.create(SYSTEM, g, display_name=d))
        for member in members:
            _once(lambda g=group, m=member: cerberus.groups.add_member(SYSTEM, g, member=m))
    for project, account in SERVICE_ACCOUNTS.items():
        _once(lambda p=project, a=account: cerberus.service_accounts.create(SYSTEM, p, name=a))
    for project, members_of in all_members().items():
        there = {member.subject for member in cerberus.projects.members(SYSTEM, project)}
        for subject, role in members_of.items():
            if subject not in there:
                cerberus.projects.add_member(SYSTEM, project, subject=subject, role=role, reason="demo")
    _ensure_request(cerberus)


def all_members() -> dict[str, dict[str, str]]:
    """
    Who has which role where, service accounts included.
    """
    accounts = {project: {account: "contributor"} for project, account in SERVICE_ACCOUNTS.items()}
    return {project: members | accounts.get(project, {}) for project, members in MEMBERS.items()}


@dataclass(frozen=True)
class DemoTokens:
    """
    One-day tokens, each for one person in one project; ended once the runs are logged.
    """

    cerberus: Cerberus
    made: dict[str, NewToken]

    @classmethod
    def create(cls, cerberus: Cerberus, wanted: set[tuple[str, str]]) -> "DemoTokens":
        """
        A token for each (project, person) of `wanted`.
        """
        return cls(cerberus, {f"{project}/{who}": _token(cerberus, project, who) for project, who in sorted(wanted)})

    @property
    def secrets(self) -> dict[str, str]:
        """
        By "project/person".
        """
        return {key: new.secret for key, new in self.made.items()}

    def end(self) -> None:
        """
        Revokes every one of them.
        """
        for new in self.made.values():
            self.cerberus.tokens.revoke(SYSTEM, new.token.id)


def _token(cerberus: Cerberus, project: str, who: str) -> NewToken:
    scopes = (Scope.READ, Scope.WRITE)
    if SERVICE_ACCOUNTS.get(project) == who:
        return cerberus.tokens.create(SYSTEM, TOKEN_NAME, scopes=scopes, project=project, days=1, owner=who)
    actor = Actor(cerberus.decisions.access_of_name(who).principal)
    return cerberus.tokens.create(actor, TOKEN_NAME, scopes=scopes, project=project, days=1)


def _ensure_person(cerberus: Cerberus, layout: Layout, name: str, display_name: str) -> None:
    password = token_urlsafe(12)
    made = _once(lambda: cerberus.people.create_user(SYSTEM, name, display_name=display_name, password=password))
    if made:
        remember(layout.sign_in, name, password, NOTES[name])


def _ensure_request(cerberus: Cerberus) -> None:
    who, project, role, reason = REQUEST
    asker = Actor(cerberus.decisions.access_of_name(who).principal)
    if not cerberus.requests.mine(asker, limit=1):
        cerberus.requests.ask(asker, project, role=role, reason=reason)


def _once(make: Callable[[], object]) -> bool:
    """
    Whether it was made now; it is left as it is when it was there already.
    """
    try:
        make()
    except Conflict:
        return False
    return True

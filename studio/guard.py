"""What every page asks first. Each ask reads the session again, so what was taken away ends at the next click."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NoReturn

import streamlit as st

from cerberus.errors import CerberusError, Forbidden, NotFound
from studio import screens, session
from studio.nav import PROJECT
from studio.session import cerberus
from studio.settings import settings

if TYPE_CHECKING:
    from cerberus.policy import Kind, Principal, Resource, Verb, Visible
    from cerberus.service import Access, Actor, ProjectInfo, Session
    from studio.tracking.reader import Reader

__all__ = ["Me", "can", "cerberus", "reader", "require", "require_project", "require_user"]


@dataclass(frozen=True, slots=True)
class Me:
    """The person at this browser, as Cerberus knew her at the start of this run."""

    session: Session
    access: Access
    project: str | None = None

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.access.principal

    @property
    def actor(self) -> Actor:
        """Who changes something, read anew: a dialog that stayed open through a sign-out changes nothing."""
        from cerberus.service import Actor

        return Actor(require_user().principal, session.origin())

    @property
    def project_info(self) -> ProjectInfo | None:
        """The chosen project."""
        return self.access.project(self.project) if self.project else None

    @property
    def project_resource(self) -> Resource:
        """The chosen project itself, to ask who may manage it."""
        from cerberus.policy import Kind, Resource

        return Resource(self._slug(), Kind.PROJECT, self._slug())

    def roles(self) -> tuple[str, ...]:
        """The names of her roles in force in the chosen project, her own and her groups'."""
        return self.access.roles(self._slug())

    def visible(self, kind: Kind) -> Visible:
        """Which resources of a kind she sees in the chosen project."""
        return self.access.visible(kind, self._slug())

    def mlflow_token(self) -> str:
        """A credential for MLflow's API on her behalf; it dies with her session."""
        return cerberus().sessions.credential(session.cookie())

    def _slug(self) -> str:
        if not self.project:
            raise NotFound("No project is chosen.")
        return self.project


def require_user() -> Me:
    """The signed-in person. Anybody else sees a sign-in hint, and the page ends here."""
    try:
        resumed = session.resume()
    except CerberusError as error:
        _turn_away(error)
    return Me(resumed.session, resumed.access)


def require_project() -> Me:
    """The signed-in person with the project of the link; without one that she may read, the page ends here."""
    me = require_user()
    slugs = [info.slug for info in me.access.projects]
    if not slugs:
        screens.no_project()
        st.stop()
    slug = st.query_params.get(PROJECT) or st.session_state.get(PROJECT) or slugs[0]
    if slug not in slugs:
        screens.unknown_project(me.access.projects)
        st.stop()
    return Me(me.session, me.access, slug)


def can(verb: Verb, resource: Resource) -> bool:
    """Whether she may, asked anew."""
    return require_user().access.can(verb, resource)


def require(verb: Verb, resource: Resource) -> None:
    """Go on only when she may; else the page says so and ends here."""
    try:
        require_user().access.require(verb, resource)
    except (Forbidden, NotFound) as error:
        _turn_away(error)


@cache
def reader() -> Reader:
    """The process-wide reader of MLflow's database."""
    from studio.tracking.reader import Reader

    return Reader(settings().mlflow_database_url)


def _turn_away(error: CerberusError) -> NoReturn:
    """Show why, and nothing else."""
    screens.instead(error)
    st.stop()

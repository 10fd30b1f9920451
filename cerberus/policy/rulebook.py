"""Rules of one principal, arranged so that a question looks only at those that can speak of what it is about."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar, cast

from cerberus.policy.catalog import ANY, Kind
from cerberus.policy.model import Resource, Rule

Numbered = list[tuple[int, Rule]]
Answer = TypeVar("Answer")
MOST_REMEMBERED = 1_000


class Page:
    """The rules of one project: those for whole kinds, and those that name one thing, each with its place."""

    __slots__ = ("_about", "_any", "_ends", "_named", "_remembered", "_wide")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._any: Numbered = []
        self._wide: dict[str, Numbered] = {}
        self._named: dict[str, dict[str, Numbered]] = {}
        self._about: dict[str, dict[str, tuple[Rule, ...]]] = {}
        self._ends = sorted({rule.expires_at for rule in rules if rule.expires_at is not None})
        self._remembered: dict[Hashable, tuple[object, datetime | None]] = {}
        for place, rule in enumerate(rules):
            if rule.resource_id != ANY:
                self._named.setdefault(rule.kind, {}).setdefault(rule.resource_id, []).append((place, rule))
            elif rule.kind == ANY:
                self._any.append((place, rule))
            else:
                self._wide.setdefault(rule.kind, []).append((place, rule))

    def about(self, kind: Kind, resource_id: str) -> tuple[Rule, ...]:
        """
        The rules that can speak of this resource. Made once for each that a rule names, and once for all others.
        """
        made = self._about.get(kind)
        if made is None:
            made = self._about[kind] = {ANY: self._in_order(kind, [])}
        found = made.get(resource_id)
        if found is not None:
            return found
        named = self._named.get(kind, {}).get(resource_id)
        if named is None:
            return made[ANY]
        found = made[resource_id] = self._in_order(kind, named)
        return found

    def of_kind(self, kind: Kind) -> tuple[Rule, ...]:
        """
        The rules that can speak of anything of this kind.
        """
        return self._in_order(kind, [each for named in self._named.get(kind, {}).values() for each in named])

    def remembered(self, key: Hashable, now: datetime, make: Callable[[], Answer]) -> Answer:
        """
        What `make` answers, made once and again only when a rule has come to its end since.
        """
        found = self._remembered.get(key)
        if found is not None and (found[1] is None or now < found[1]):
            return cast(Answer, found[0])  # a key has one maker
        answer = make()
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = (answer, next((end for end in self._ends if end > now), None))
        return answer

    def _in_order(self, kind: Kind, named: Numbered) -> tuple[Rule, ...]:
        any_kind = [] if kind is Kind.PROJECT else self._any
        return tuple(rule for _, rule in sorted([*any_kind, *self._wide.get(kind, []), *named], key=_place))


def _place(numbered: tuple[int, Rule]) -> int:
    return numbered[0]


class Rulebook(Mapping[str, tuple[Rule, ...]]):
    """
    Rules by project. `about` and `of_kind` leave out only rules that `decide` would pass over, and keep the order.
    """

    __slots__ = ("_pages", "_rules")

    def __init__(self, rules: Mapping[str, tuple[Rule, ...]] | None = None) -> None:
        self._rules = rules or {}
        self._pages: dict[str, Page] = {}

    @classmethod
    def of(cls, rules: Mapping[str, tuple[Rule, ...]]) -> "Rulebook":
        """
        The rules as a rulebook: the very same where they are one already.
        """
        return rules if isinstance(rules, Rulebook) else cls(rules)

    def __getitem__(self, project: str) -> tuple[Rule, ...]:
        return self._rules[project]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

    def about(self, resource: Resource) -> tuple[Rule, ...]:
        """
        The rules that can speak of the resource.
        """
        page = self._page(resource.project)
        return () if page is None else page.about(resource.kind, resource.id)

    def of_kind(self, kind: Kind, project: str) -> tuple[Rule, ...]:
        """
        The rules that can speak of anything of the kind in the project.
        """
        page = self._page(project)
        return () if page is None else page.of_kind(kind)

    def remembered(self, key: Hashable, project: str, now: datetime, make: Callable[[], Answer]) -> Answer:
        """
        What `make` answers from the rules of the project at `now`, made once as long as the rules give the same.
        """
        page = self._page(project)
        return make() if page is None else page.remembered(key, now, make)

    def _page(self, project: str) -> Page | None:
        page = self._pages.get(project)
        if page is None and (rules := self._rules.get(project)) is not None:
            page = self._pages[project] = Page(rules)
        return page

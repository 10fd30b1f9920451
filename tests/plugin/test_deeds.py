"""
Everything in MLflow has one owner, and no grant outlives its thing, whatever fails between the two databases.

MLflow's own stores in this process, on SQLite and on PostgreSQL. tests/faults/test_workers_die.py kills real workers.

Broken on purpose, and seen to fail here: the note written after MLflow's commit, or not refused when it cannot be; the
second half left out; deletions that are flushed only by the commit; a namesake's creation, or a reused id, that settles
nothing; a settler that takes every note for a deed done; a failure after the commit let through; prompts for models.
"""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databases import postgresql
from mlflow.entities import Metric, ViewType
from mlflow.entities.model_registry import RegisteredModelTag
from mlflow.exceptions import MlflowException
from mlflow.utils.workspace_context import ServerWorkspaceContext
from sqlalchemy import event

from cerberus.errors import Unavailable
from cerberus.policy import Kind, Level, Resource, Source
from cerberus.service import SYSTEM, Cerberus, Origin
from cerberus_mlflow import deeds, settling
from cerberus_mlflow.answers import Refused
from cerberus_mlflow.context import Call, calling, require_call
from cerberus_mlflow.default_experiment import own_experiment
from cerberus_mlflow.host import handlers

PROMPT = [RegisteredModelTag("mlflow.prompt.is_prompt", "true")]
NOW = timedelta(0)


class Killed(BaseException):
    """Takes the place of SIGKILL: nothing of ours or of MLflow's handles it."""


@dataclass
class Stores:
    """MLflow's stores on one database."""

    url: str
    tracking: Any
    registry: Any


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    """An empty PostgreSQL database that is gone after the tests."""
    with postgresql("deeds") as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def stores(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """MLflow's stores with workspaces, watched by the plugin."""
    from mlflow.store.model_registry.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore as Registry
    from mlflow.store.tracking.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore as Tracking

    root: Path = tmp_path_factory.mktemp("mlflow")
    url = f"sqlite:///{root}/mlflow.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MLFLOW_ENABLE_WORKSPACES", "true")
        deeds.watch()
        found = Stores(url, Tracking(url, str(root)), Registry(url))
        yield found
        found.tracking.engine.dispose()
        found.registry.engine.dispose()


@dataclass
class Lab:
    """Cerberus, and MLflow's stores used in somebody's name."""

    cerberus: Cerberus
    stores: Stores

    @contextmanager
    def by(self, who: str) -> Iterator[Stores]:
        """A request of theirs, as far as the stores know."""
        access = self.cerberus.decisions.access_of_name(who)
        with ServerWorkspaceContext("fraud"), calling(Call(access, "fraud", Origin("192.0.2.1", "tests", "req-1"))):
            yield self.stores

    def grants(self) -> dict[tuple[Kind, str], list[str]]:
        """Who has something on what."""
        found: dict[tuple[Kind, str], list[str]] = {}
        for grant in self.cerberus.grants.page(SYSTEM, "fraud", limit=1000):
            found.setdefault((Kind(grant.kind), grant.resource_id), []).append(grant.subject)
        return found

    def owner(self, kind: Kind, name: str) -> list[str]:
        """Who owns it."""
        found = self.cerberus.grants.page(SYSTEM, "fraud", kind=kind, resource_id=name, source=Source.OWNERSHIP)
        return [grant.subject for grant in found]

    def under_way(self) -> int:
        """How much is noted and not settled."""
        return len(self.cerberus.deeds.under_way(for_longer_than=NOW))

    def created(self) -> list[str]:
        """Who is named by the audit as having created something, newest first."""
        lines = self.cerberus.audit.search(SYSTEM, limit=50)
        return [f"{line.who} {line.target} {line.request_id}" for line in lines if line.action.endswith(".create")]


@pytest.fixture
def lab(stores: Stores, cerberus: Cerberus, cast: Any, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """An empty Cerberus with the cast; MLflow's database may hold what earlier tests made, under other names."""
    for module in (deeds, settling):
        monkeypatch.setattr(module, "cerberus", lambda: cerberus)
    monkeypatch.setattr(handlers, "_get_tracking_store", lambda: stores.tracking)
    monkeypatch.setattr(handlers, "_get_model_registry_store", lambda: stores.registry)
    monkeypatch.setattr(settling, "LEFT_ALONE", NOW)
    return Lab(cerberus, stores)


@pytest.fixture
def dies(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, type[BaseException]], Any]:
    """`with dies("before the commit", Killed)`: the process ends there, or Cerberus' database is away."""

    @contextmanager
    def at(moment: str, fault: type[BaseException]) -> Iterator[None]:
        begin = lab.cerberus.deeds.begin

        def begin_and_die(*given: Any) -> Any:
            begin(*given)
            raise fault("now")

        def die(*given: Any) -> Any:
            raise fault("now")

        places = {
            "before the note": ("begin", die),
            "before the commit": ("begin", begin_and_die),
            "after the commit": ("finish", die),
        }
        with monkeypatch.context() as broken:
            broken.setattr(lab.cerberus.deeds, *places[moment])
            yield

    return at


def name() -> str:
    return uuid.uuid4().hex[:12]


MAKERS: dict[Kind, Callable[[Stores], str]] = {
    Kind.EXPERIMENT: lambda on: on.tracking.create_experiment(name()),
    Kind.REGISTERED_MODEL: lambda on: on.registry.create_registered_model(name()).name,
    Kind.PROMPT: lambda on: on.registry.create_registered_model(name(), tags=PROMPT).name,
    Kind.SCORER: lambda on: scorer(on, on.tracking.create_experiment(name()), "größe/1"),
}
NAMED_BY_PEOPLE = (Kind.REGISTERED_MODEL, Kind.PROMPT)
TAGS = {Kind.REGISTERED_MODEL: None, Kind.PROMPT: PROMPT}


def scorer(on: Stores, experiment_id: str, title: str) -> str:
    on.tracking.register_scorer(experiment_id, title, '{"name": "s"}')
    return str(deeds.CerberusStore._scorer_pattern(experiment_id, title))


def make(lab: Lab, who: str, kind: Kind, called: str) -> None:
    """A model or a prompt of that name."""
    with lab.by(who) as on:
        on.registry.create_registered_model(called, tags=TAGS[kind])


def names_of_models(lab: Lab) -> set[str]:
    with lab.by("alice") as on:
        return {model.name for model in on.registry.search_registered_models(max_results=1000)}


def experiments(lab: Lab) -> set[str]:
    with lab.by("alice") as on:
        return {each.experiment_id for each in on.tracking.search_experiments(ViewType.ALL, max_results=1000)}


@pytest.mark.parametrize("kind", MAKERS)
def test_who_makes_something_owns_it_at_once(lab: Lab, kind: Kind) -> None:
    with lab.by("dana") as on:
        made = MAKERS[kind](on)
    assert lab.owner(kind, made) == ["dana"]
    assert lab.under_way() == 0
    assert lab.created()[0] == f"dana {kind}:{made} req-1"


@pytest.mark.parametrize("kind", NAMED_BY_PEOPLE)
def test_grants_follow_a_name_and_end_with_it(lab: Lab, kind: Kind) -> None:
    before, after = name(), name()
    make(lab, "dana", kind, before)
    lab.cerberus.grants.give(SYSTEM, Resource("fraud", kind, before), subject="charlie", level=Level.READ)
    with lab.by("dana") as on:
        on.registry.update_registered_model(before, "described anew")
        on.registry.rename_registered_model(before, after)
    assert lab.grants() == {(kind, after): ["dana", "charlie"]}
    with lab.by("dana") as on:
        on.registry.delete_registered_model(after)
    assert lab.grants() == {}
    assert lab.under_way() == 0


def test_a_scorer_stays_its_makers_until_its_last_version_goes(lab: Lab) -> None:
    with lab.by("dana") as on:
        experiment_id = on.tracking.create_experiment(name())
        pattern = scorer(on, experiment_id, "s")
    with lab.by("alice") as on:
        scorer(on, experiment_id, "s")
        on.tracking.delete_scorer(experiment_id, "s", version=1)
    assert lab.owner(Kind.SCORER, pattern) == ["dana"]
    with lab.by("alice") as on:
        on.tracking.delete_scorer(experiment_id, "s")
    assert lab.owner(Kind.SCORER, pattern) == []


def test_an_experiment_that_is_deleted_and_restored_keeps_its_owner(lab: Lab) -> None:
    with lab.by("dana") as on:
        made = on.tracking.create_experiment(name())
        on.tracking.delete_experiment(made)
    assert lab.owner(Kind.EXPERIMENT, made) == ["dana"]
    with lab.by("alice") as on:
        on.tracking.restore_experiment(made)
        on.tracking.rename_experiment(made, name())
    assert lab.owner(Kind.EXPERIMENT, made) == ["dana"]


def test_the_id_of_an_experiment_that_was_deleted_for_good_brings_nothing_along(lab: Lab) -> None:
    """`mlflow gc` knows no Cerberus; SQLite gives the id out again, PostgreSQL does not."""
    with lab.by("dana") as on:
        made = on.tracking.create_experiment(name())
        scorer(on, made, "s")
        on.tracking.delete_experiment(made)
    with ServerWorkspaceContext("fraud"):
        lab.stores.tracking._hard_delete_experiment(made)
    with lab.by("alice") as on:
        again = on.tracking.create_experiment(name())
    assert (again == made) is lab.stores.url.startswith("sqlite")
    assert lab.owner(Kind.EXPERIMENT, again) == ["alice"]
    assert lab.grants().get((Kind.SCORER, f"{again}/s")) is None


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("fault", [Unavailable, Killed])
def test_what_was_made_just_before_a_crash_gets_its_owner(lab: Lab, dies: Any, kind: Kind, fault: Any) -> None:
    """And the audit its line, with the request's id; the client whose worker lives is told that all went well."""
    with lab.by("dana") as on:
        prepared = on.tracking.create_experiment(name())
        makers = {**MAKERS, Kind.SCORER: lambda on: scorer(on, prepared, name())}
        with dies("after the commit", fault):
            try:
                made = makers[kind](on)
            except Killed:
                made = lab.cerberus.deeds.under_way(for_longer_than=NOW)[0].deed.resource.id
    assert lab.owner(kind, made) == []
    assert lab.under_way() == 1
    settling.settle()
    assert lab.owner(kind, made) == ["dana"]
    assert lab.under_way() == 0
    assert lab.created()[0] == f"dana {kind}:{made} req-1"
    assert lab.cerberus.audit.verify() is None


@pytest.mark.parametrize("kind", NAMED_BY_PEOPLE)
def test_what_was_deleted_or_renamed_just_before_a_crash_is_settled(lab: Lab, dies: Any, kind: Kind) -> None:
    gone, before, after = name(), name(), name()
    for called in (gone, before):
        make(lab, "dana", kind, called)
    with dies("after the commit", Unavailable), lab.by("alice") as on:
        on.registry.delete_registered_model(gone)
        on.registry.rename_registered_model(before, after)
    assert set(lab.grants()) == {(kind, gone), (kind, before)}
    settling.settle()
    assert lab.grants() == {(kind, after): ["dana"]}
    assert lab.under_way() == 0


@pytest.mark.parametrize("kind", NAMED_BY_PEOPLE)
def test_a_namesake_made_before_that_is_settled_inherits_nothing(lab: Lab, dies: Any, kind: Kind) -> None:
    called, moved = name(), name()
    make(lab, "dana", kind, called)
    lab.cerberus.grants.give(SYSTEM, Resource("fraud", kind, called), subject="charlie", level=Level.MANAGE)
    make(lab, "dana", kind, moved)
    with dies("after the commit", Killed), lab.by("dana") as on:
        with pytest.raises(Killed):
            on.registry.delete_registered_model(called)
        with pytest.raises(Killed):
            on.registry.rename_registered_model(moved, f"{moved}-new")
    make(lab, "alice", kind, called)
    make(lab, "alice", kind, moved)
    expected = {called: ["alice"], moved: ["alice"], f"{moved}-new": ["dana"]}
    assert lab.grants() == {(kind, each): owners for each, owners in expected.items()}
    settling.settle()
    assert lab.grants() == {(kind, each): owners for each, owners in expected.items()}


@pytest.mark.parametrize("moment", ["before the note", "before the commit"])
@pytest.mark.parametrize("fault", [Unavailable, Killed])
def test_what_mlflow_did_not_commit_leaves_nothing(
    lab: Lab, dies: Any, monkeypatch: pytest.MonkeyPatch, moment: str, fault: Any
) -> None:
    """Cerberus' database away: 503, and MLflow undoes it. The note, if there is one, goes once nothing can come."""
    kept, new, moved = name(), name(), name()
    make(lab, "dana", Kind.REGISTERED_MODEL, kept)
    before, held = experiments(lab), names_of_models(lab)
    with dies(moment, fault), lab.by("alice") as on:
        for do in (
            lambda: on.tracking.create_experiment(name()),
            lambda: on.registry.create_registered_model(new),
            lambda: on.registry.rename_registered_model(kept, moved),
            lambda: on.registry.delete_registered_model(kept),
        ):
            with pytest.raises((MlflowException, Killed)) as raised:
                do()
            assert fault is Killed or raised.value.get_http_status_code() == 503  # type: ignore[union-attr]
    assert (experiments(lab), names_of_models(lab)) == (before, held)
    settling.settle()
    assert lab.grants() == {(Kind.REGISTERED_MODEL, kept): ["dana"]}
    monkeypatch.setattr(settling, "GIVEN_UP", NOW)
    settling.settle()
    assert lab.under_way() == 0
    assert lab.grants() == {(Kind.REGISTERED_MODEL, kept): ["dana"]}


def test_whoever_takes_a_name_that_was_never_committed_owns_it_alone(lab: Lab, dies: Any) -> None:
    called = name()
    with dies("before the commit", Killed), pytest.raises(Killed):
        make(lab, "dana", Kind.REGISTERED_MODEL, called)
    make(lab, "alice", Kind.REGISTERED_MODEL, called)
    settling.settle()
    assert lab.grants() == {(Kind.REGISTERED_MODEL, called): ["alice"]}
    assert lab.under_way() == 0


def test_of_two_who_make_the_same_only_the_one_who_made_it_owns_it(lab: Lab) -> None:
    """As `set_experiment` of two notebooks does."""
    for _ in range(5):
        called, gate, made, refused = name(), threading.Barrier(2), {}, []

        def do(who: str, *, called: str = called, gate: Any = gate, made: Any = made, refused: Any = refused) -> None:
            with lab.by(who) as on:
                gate.wait(30)
                try:
                    made[who] = on.tracking.create_experiment(called)
                except MlflowException as error:
                    refused.append(error.error_code)

        threads = [threading.Thread(target=do, args=(who,)) for who in ("dana", "alice")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ((winner, experiment_id),) = made.items()
        assert refused == ["RESOURCE_ALREADY_EXISTS"]
        assert lab.owner(Kind.EXPERIMENT, experiment_id) == [winner]
    assert lab.under_way() == 0


def test_settlers_and_the_request_itself_do_a_deed_once(lab: Lab, dies: Any) -> None:
    with dies("after the commit", Unavailable), lab.by("dana") as on:
        made = [on.tracking.create_experiment(name()) for _ in range(10)]
    ids = [each.id for each in lab.cerberus.deeds.under_way(for_longer_than=NOW)]
    late = threading.Thread(target=lab.cerberus.deeds.finish, args=(ids,))
    threads = [late, *(threading.Thread(target=settling.settle) for _ in range(4))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [lab.owner(Kind.EXPERIMENT, each) for each in made] == [["dana"]] * 10
    assert len([line for line in lab.created() if line.startswith("dana experiment:")]) == 10


def test_settling_goes_on_after_faults_and_tells_an_outage_once(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    turns: Iterator[BaseException | None] = iter([Unavailable("away"), Unavailable("away"), None, KeyError(), Killed()])

    def settle() -> None:
        if (fault := next(turns)) is not None:
            raise fault

    monkeypatch.setattr(settling, "EVERY", 0.0)
    monkeypatch.setattr(settling, "settle", settle)
    with pytest.raises(Killed):
        settling._for_ever()
    assert [bool(record.exc_info) for record in caplog.records] == [False, True]


def test_a_name_too_long_for_a_grant_is_refused_before_anything_is_kept(lab: Lab) -> None:
    with lab.by("dana") as on:
        experiment_id = on.tracking.create_experiment(name())
        with pytest.raises(MlflowException, match="too long") as raised:
            scorer(on, experiment_id, "ö" * 200)
        assert raised.value.get_http_status_code() == 400
        assert on.tracking.list_scorers(experiment_id) == []


def test_what_the_server_makes_for_itself_is_nobodys(lab: Lab) -> None:
    with ServerWorkspaceContext("fraud"):
        lab.stores.tracking.create_experiment(name())
    assert lab.grants() == {}


def test_a_projects_own_experiment_is_whose_script_named_none_first(lab: Lab, dies: Any) -> None:
    """That one is made before the request is checked; without Cerberus it is not, and the answer says so."""
    with lab.by("dana"):
        with dies("before the note", Unavailable), pytest.raises(Refused) as raised:
            own_experiment(require_call(), making=True)
        assert raised.value.status == 503
        made = own_experiment(require_call(), making=True)
    assert lab.owner(Kind.EXPERIMENT, str(made)) == ["dana"]
    with lab.by("alice"):
        assert own_experiment(require_call(), making=True) == made
    assert lab.owner(Kind.EXPERIMENT, str(made)) == ["dana"]


def test_only_what_makes_deletes_or_renames_asks_cerberus_anything(lab: Lab) -> None:
    with lab.by("dana") as on:
        experiment_id = on.tracking.create_experiment(name())
        model = on.registry.create_registered_model(name()).name
        sent: list[str] = []
        note = lambda *args: sent.append(args[2])  # noqa: E731
        event.listen(lab.cerberus._database.engine, "before_cursor_execute", note)
        run_id = on.tracking.create_run(experiment_id, "dana", 0, [], "r").info.run_id
        on.tracking.log_batch(run_id, [Metric("m", each, each, each) for each in range(100)], [], [])
        on.tracking.log_metric(run_id, Metric("m", 1, 1, 1))
        on.tracking.get_run(run_id)
        on.tracking.search_runs([experiment_id], None, ViewType.ALL)
        on.tracking.rename_experiment(experiment_id, name())
        on.registry.create_model_version(model, "runs:/x/y", run_id)
        on.registry.update_registered_model(model, "described")
        assert sent == []
        on.tracking.create_experiment(name())
        event.remove(lab.cerberus._database.engine, "before_cursor_execute", note)
    begun = [statement for statement in sent if statement.startswith("BEGIN")]
    assert len(begun) == 2
    assert len(sent) <= 14

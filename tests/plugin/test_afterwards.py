"""MLflow's second look at an answer is left out only where it has nothing to take out."""


import pytest

from cerberus.policy import ANY, Kind, Level, Principal, Rule, Scope, Source, SubjectKind
from cerberus.service import Access, Origin
from cerberus.store.records import ProjectInfo
from cerberus_mlflow.afterwards import ASKS_FOR_TIERS_THAT_CERBERUS_HAS_NOT, FILTERS, is_needless
from cerberus_mlflow.context import Call, calling
from cerberus_mlflow.host import auth
from cerberus_mlflow.rows import KINDS, types_among

FRAUD = ProjectInfo("fraud", "Fraud", "", False)


def rule(level: Level, kind: Kind | str = ANY, resource_id: str = ANY) -> Rule:
    return Rule(7, "dana", SubjectKind.USER, "fraud", kind, resource_id, level, Source.GRANT, 1)


def needless_for(*rules: Rule, scopes: tuple[Scope, ...] = (Scope.READ,)) -> dict[str, bool]:
    principal = Principal(7, "dana", scopes=frozenset(scopes))
    call = Call(Access(1, principal, {"fraud": rules}, {"fraud": FRAUD}), "fraud", Origin())
    with calling(call):
        return {handler.__name__: is_needless(handler) for handler in FILTERS}


ALL = dict.fromkeys((handler.__name__ for handler in FILTERS), True)
NONE = dict.fromkeys(ALL, False)
OF_EXPERIMENTS = {name: "experiments" in name or "logged" in name for name in ALL}
OF_MODELS = {name: not of_experiments for name, of_experiments in OF_EXPERIMENTS.items()}


@pytest.mark.parametrize(
    ("rules", "needless"),
    [
        ((rule(Level.READ),), ALL),
        ((rule(Level.READ), rule(Level.DENY, Kind.EXPERIMENT, "1")), OF_MODELS),
        ((rule(Level.READ), rule(Level.DENY, Kind.PROMPT, "p")), OF_EXPERIMENTS),
        ((rule(Level.READ), rule(Level.DENY, Kind.REGISTERED_MODEL)), OF_EXPERIMENTS),
        ((rule(Level.READ, Kind.EXPERIMENT, "1"),), NONE),
        ((), NONE),
    ],
)
def test_listings_are_filtered_unless_their_reader_sees_all(rules, needless):
    assert needless_for(*rules) == needless


def test_without_a_caller_every_filter_stays():
    assert not any(is_needless(handler) for handler in FILTERS)


def test_cerberus_has_no_permission_on_runs_or_logged_models_that_could_be_denied():
    assert not {auth.RESOURCE_TYPE_RUN, auth.RESOURCE_TYPE_LOGGED_MODEL} & KINDS
    tiers = [auth.RESOURCE_TYPE_RUN, auth.RESOURCE_TYPE_LOGGED_MODEL]
    assert types_among(tiers) == [auth.RESOURCE_TYPE_WORKSPACE]


def test_each_of_them_asks_about_those_tiers_and_nothing_else(monkeypatch):
    """Told that none is denied, it leaves an answer that names a run and a model as it is."""
    asked = []
    monkeypatch.setattr(auth, "_denied_sibling_tiers", lambda _, tiers: asked.extend(tiers) or set())
    monkeypatch.setattr(auth, "sender_is_admin", lambda: False)
    monkeypatch.setattr(auth, "authenticate_request", lambda: type("Who", (), {"username": "dana"}))
    full = {
        "run": {"outputs": {"model_outputs": [{"model_id": "m"}]}, "data": {"metrics": [METRIC]}},
        "runs": [{"data": {"metrics": [METRIC]}}],
        "metrics": [METRIC],
        "model_version": {"name": "n", "run_id": "r"},
        "model_versions": [{"name": "n", "run_id": "r"}],
        "model": {"info": {"source_run_id": "r"}, "data": {"metrics": [METRIC]}},
    }

    class Answer:
        json = full
        data = "as it was"

    for handler in ASKS_FOR_TIERS_THAT_CERBERUS_HAS_NOT:
        asked.clear()
        answer = Answer()
        handler(answer)
        assert answer.data == "as it was", handler.__name__
        assert asked, handler.__name__
        assert set(asked) <= {auth.RESOURCE_TYPE_RUN, auth.RESOURCE_TYPE_LOGGED_MODEL}


METRIC = {"key": "m", "value": 1.0, "timestamp": 1, "step": 1, "model_id": "m", "run_id": "r"}

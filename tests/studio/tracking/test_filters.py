"""MLflow's filter language: it finds what MLflow finds, and says what to write where it is wrong."""

import math

import pytest

from cerberus.errors import Invalid
from cerberus.policy import Visible
from studio.tracking.search import conditions

EVERYTHING = Visible(default=True)


@pytest.fixture(scope="module")
def filled(lab):
    """One experiment with runs for every kind of condition."""
    project = lab.project("filters")
    experiment = lab.experiment(project)
    rows = {
        "a": {"params": {"model": "rf", "learning rate": "0.1"}, "metrics": {"auc": 0.95}, "tags": {"team": "Vision"}},
        "b": {"params": {"model": "gbm"}, "metrics": {"auc": 0.5}, "tags": {"team": "100% sure"}, "status": "FAILED"},
        "c": {"params": {"model": "RF"}, "metrics": {"auc": math.nan}, "user": "bob", "start": 1_800_000_000_000},
        "d": {"params": {"model": "it's"}, "metrics": {"auc": math.inf, "a.b/c": -1.0}},
        "e": {},
    }
    ids = {name: lab.run(project, experiment, name=f"run {name}", **logged) for name, logged in rows.items()}
    return project, experiment, ids


FILTERS = [
    ("", "abcde"),
    ("   ", "abcde"),
    ("metrics.auc > 0.9", "ad"),
    ("metrics.auc > 0.9 and params.model = 'rf'", "a"),
    ("metric.auc <= 0.5", "b"),
    ("metrics.auc = 0.5 AND attributes.status = 'FAILED'", "b"),
    ("metrics.auc != 0.5", "acd"),
    ("metrics.auc < 1e999", "abd"),
    ("metrics.`a.b/c` < 0", "d"),
    ("params.model LIKE 'r%'", "a"),
    ("params.model ILIKE 'r%'", "ac"),
    ("params.model != 'rf'", "bcd"),
    ('params.model = "it\'s"', "d"),
    ("params.`learning rate` = '0.1'", "a"),
    ('params."learning rate" = "0.1"', "a"),
    ("params.model IS NULL", "e"),
    ("params.model IS NOT NULL and tags.team IS NULL", "cd"),
    ("tags.team LIKE '%sion%'", "a"),
    ("tags.team = '100% sure'", "b"),
    ("status = 'FINISHED' and user_id = 'bob'", "c"),
    ("attributes.run_name = 'run e'", "e"),
    ("attributes.run_name ilike 'RUN %'", "abcde"),
    ("attributes.start_time > 1750000000000", "c"),
    ("attributes.status != 'FINISHED'", "b"),
]


@pytest.mark.parametrize(("text", "expected"), FILTERS)
def test_a_filter_finds_the_runs_that_mlflow_finds(lab, reader, filled, text, expected):
    project, experiment, ids = filled
    page = reader.runs(project, EVERYTHING, search=text)
    assert sorted(row.name[-1] for row in page.rows) == list(expected)
    assert page.total == len(expected)
    if "1e999" in text:
        return  # MLflow stores infinity as the largest float, which is less than it
    with lab.within(project) as store:
        theirs = store.search_runs([experiment], text.strip(), 1, 100)
    assert {run.info.run_id for run in theirs} == {ids[name] for name in expected}


def test_a_filter_finds_runs_by_their_ids(reader, filled):
    project, _, ids = filled
    page = reader.runs(project, EVERYTHING, search=f"attributes.run_id IN ('{ids['a']}', '{ids['b']}')")
    assert {row.id for row in page.rows} == {ids["a"], ids["b"]}
    assert reader.runs(project, EVERYTHING, search=f"run_id NOT IN ('{ids['a']}')").total == 4


WRONG = [
    ("metrics.auc > 0.9 or params.model = 'rf'", "`and` only"),
    ("metrics.auc > '0.9'", "not a number"),
    ("metrics.auc = NaN", "not a number"),
    ("params.model = rf", "quotes"),
    ("params.model = 3", "quotes"),
    ("params.model > 'a'", "cannot be compared"),
    ("metrics.auc == 0.9", "cannot be compared"),
    ("metrics.auc LIKE 0.9", "cannot be compared"),
    ("tags.team RLIKE 'a'", "cannot be compared"),
    ("foo.bar = 'x'", "runs do not have"),
    ("attributes.colour = 'x'", "no such attribute"),
    ("attributes.start_time = 'yesterday'", "not a number"),
    ("attributes.start_time > 99999999999999999999999", "not a time"),
    ("metrics.auc >", "not a condition"),
    ("accuracy", "not a condition"),
    ("and", "no condition"),
    ("metrics.auc > 1; DROP TABLE runs", "semicolon"),
    ("'", "not a condition"),
    ("((((((((((", "not a condition"),
    ("params.model = 'a\x00b'", "control character"),
    ("params.model = '" + "x" * 5000 + "'", "longer than"),
    ("metrics.auc IS NULL", "only supported for tags and params"),
]


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_a_wrong_filter_is_refused_with_what_to_write_instead(text, says):
    with pytest.raises(Invalid) as refused:
        conditions(text)
    assert says in refused.value.message
    assert refused.value.field == "filter"
    assert refused.value.hint
    assert "Mlflow" not in refused.value.message


PIECES = [
    "metrics.",
    "a",
    ">",
    "1",
    "and",
    "(",
    ")",
    "'",
    '"',
    "`",
    "in",
    "not",
    "is",
    "null",
    ";",
    "--",
    "/*",
    "%",
    "\\",
    "🎈",
    ",",
]


@pytest.mark.parametrize("seed", range(150))
def test_no_text_whatever_brings_the_search_down(reader, filled, seed):
    import random

    chance = random.Random(seed)
    text = " ".join(chance.choices(PIECES, k=chance.randrange(1, 9)))
    try:
        found = reader.runs(filled[0], EVERYTHING, search=text).total
    except Invalid as refused:
        assert refused.hint  # noqa: PT017
    else:
        assert 0 <= found <= 5

"""What a page of runs holds: the project's own, what one may see, in order, counted truly."""

import math

import pytest

from cerberus.errors import Invalid, NotFound
from cerberus.policy import Visible
from studio.tracking.columns import Column, Sort

EVERYTHING = Visible(default=True)
NOTHING = Visible(default=False)


def all_but(*ids):
    return Visible(default=True, exceptions=frozenset(ids))


def only(*ids):
    return Visible(default=False, exceptions=frozenset(ids))


def names(page):
    return [row.name for row in page.rows]


def by(name, *, descending=True):
    return Sort(Column.parse(name), descending)


def test_a_project_shows_its_own_runs_only(lab, reader):
    fraud, churn = lab.project("fraud"), lab.project("churn")
    ours = lab.run(fraud, lab.experiment(fraud), name="ours")
    theirs = lab.run(churn, lab.experiment(churn), name="theirs")
    page = reader.runs(fraud, EVERYTHING)
    assert [row.id for row in page.rows] == [ours]
    assert page.total == 1
    assert reader.counts(fraud, EVERYTHING).runs == 1
    with pytest.raises(NotFound):
        reader.run(fraud, EVERYTHING, theirs)
    assert reader.runs_in_full(fraud, EVERYTHING, [theirs, ours])[0].id == ours
    assert reader.lines(fraud, EVERYTHING, [theirs], metrics=["accuracy"]) == ()


def test_naming_another_projects_experiment_gives_none_of_its_runs(lab, reader):
    fraud, churn = lab.project("fraud"), lab.project("churn")
    ours, theirs = lab.experiment(fraud), lab.experiment(churn)
    lab.run(fraud, ours, name="ours")
    lab.run(churn, theirs, name="theirs")
    assert reader.runs(fraud, EVERYTHING, experiments=[theirs]).total == 0
    assert names(reader.runs(fraud, only(theirs))) == []
    assert names(reader.runs(fraud, EVERYTHING, experiments=[theirs, ours])) == ["ours"]
    with pytest.raises(NotFound):
        reader.experiment(fraud, EVERYTHING, theirs)


def test_a_hidden_experiments_runs_are_neither_shown_nor_counted(lab, reader):
    fraud = lab.project()
    seen, hidden = lab.experiment(fraud, "seen"), lab.experiment(fraud, "hidden")
    parent = lab.run(fraud, hidden, name="secret", metrics={"f1": 0.9}, params={"codename": "x"})
    child = lab.run(fraud, seen, name="open", tags={"mlflow.parentRunId": parent})
    visible = all_but(hidden)
    assert names(reader.runs(fraud, visible)) == ["open"]
    assert reader.runs(fraud, visible).total == 1
    assert reader.counts(fraud, visible).experiments == 1
    assert [row.name for row in reader.experiments(fraud, visible).rows] == ["seen"]
    assert reader.experiments(fraud, visible).total == 1
    assert list(reader.experiment_names(fraud, visible).values()) == ["seen"]
    assert reader.runs(fraud, visible, experiments=[hidden]).total == 0
    assert reader.runs(fraud, visible, search="params.codename = 'x'").total == 0
    assert reader.keys(fraud, visible).params == ()
    assert reader.parent(fraud, visible, reader.run(fraud, visible, child)) is None
    assert reader.children(fraud, visible, parent) != ()  # the child is in an experiment that is seen
    assert reader.children(fraud, all_but(seen), parent) == ()
    assert reader.lines(fraud, visible, [parent], metrics=["f1"]) == ()
    with pytest.raises(NotFound):
        reader.run(fraud, visible, parent)
    assert names(reader.runs(fraud, only(hidden))) == ["secret"]
    assert names(reader.runs(fraud, NOTHING)) == []


def test_deleted_runs_and_experiments_are_gone(lab, reader):
    fraud = lab.project()
    kept, dropped = lab.experiment(fraud, "kept"), lab.experiment(fraud, "dropped")
    lab.run(fraud, dropped, name="in a deleted experiment")
    gone = lab.run(fraud, kept, name="deleted")
    lab.run(fraud, kept, name="there")
    with lab.within(fraud) as store:
        store.delete_run(gone)
        store.delete_experiment(dropped)
    assert names(reader.runs(fraud, EVERYTHING)) == ["there"]
    assert reader.experiments(fraud, EVERYTHING).rows[0].runs == 1
    with pytest.raises(NotFound):
        reader.run(fraud, EVERYTHING, gone)


def test_every_page_but_the_last_is_full_and_no_run_is_on_two(lab, reader):
    fraud = lab.project()
    seen, hidden = lab.experiment(fraud, "seen"), lab.experiment(fraud, "hidden")
    for index in range(23):
        lab.run(fraud, seen if index % 2 else hidden, name=f"run {index}", start=1_700_000_000_000 + index)
        lab.run(fraud, seen, name=f"even {index}", start=1_700_000_000_000)
    pages = [reader.runs(fraud, all_but(hidden), page=number, size=10) for number in (1, 2, 3, 4)]
    assert [len(page.rows) for page in pages] == [10, 10, 10, 4]
    assert {page.total for page in pages} == {34}
    ids = [row.id for page in pages for row in page.rows]
    assert len(set(ids)) == 34
    beyond = reader.runs(fraud, all_but(hidden), page=99, size=10)
    assert (beyond.page, len(beyond.rows)) == (4, 4)
    assert reader.runs(fraud, all_but(hidden), page=-3, size=10).page == 1


@pytest.mark.parametrize(
    ("descending", "order"), [(True, ["inf", "high", "low", "-inf"]), (False, ["-inf", "low", "high", "inf"])]
)
def test_sorting_by_a_metric_puts_nan_and_then_missing_last(lab, reader, descending, order):
    fraud = lab.project()
    experiment = lab.experiment(fraud)
    values = {"low": 0.1, "nan": math.nan, "high": 0.9, "inf": math.inf, "-inf": -math.inf}
    for name, value in values.items():
        lab.run(fraud, experiment, name=name, metrics={"auc": value})
    lab.run(fraud, experiment, name="missing", metrics={"other": 1.0})
    sort = by("metrics.auc", descending=descending)
    columns = [Column.parse("metrics.auc")]
    everything = reader.runs(fraud, EVERYTHING, sort=sort, columns=columns)
    assert names(everything) == [*order, "nan", "missing"]
    assert everything.rows[-1].metrics == {}
    shown = {row.name: row.metrics["auc"] for row in everything.rows[:-1]}
    assert shown["inf"] == math.inf
    assert shown["-inf"] == -math.inf
    assert math.isnan(shown["nan"])
    in_twos = [names(reader.runs(fraud, EVERYTHING, sort=sort, page=page, size=2)) for page in (1, 2, 3)]
    assert in_twos == [order[:2], order[2:], ["nan", "missing"]]
    in_threes = [names(reader.runs(fraud, EVERYTHING, sort=sort, page=page, size=3)) for page in (1, 2)]
    assert in_threes == [order[:3], [order[3], "nan", "missing"]]


def test_runs_without_the_metric_fill_pages_of_their_own(lab, reader):
    fraud = lab.project()
    experiment = lab.experiment(fraud)
    lab.run(fraud, experiment, name="measured", metrics={"auc": 0.5})
    for index in range(6):
        lab.run(fraud, experiment, name=f"bare {index}", start=1_700_000_000_000 - index)
    pages = [names(reader.runs(fraud, EVERYTHING, sort=by("metrics.auc"), page=page, size=2)) for page in (1, 2, 3, 4)]
    assert pages == [["measured", "bare 0"], ["bare 1", "bare 2"], ["bare 3", "bare 4"], ["bare 5"]]


def test_params_sort_as_numbers_where_they_are_numbers(lab, reader):
    fraud = lab.project()
    experiment = lab.experiment(fraud)
    for value in ("10", "9", "0.5", "1e-3", "auto", "-2"):
        lab.run(fraud, experiment, name=value, params={"depth": value})
    lab.run(fraud, experiment, name="none")
    assert names(reader.runs(fraud, EVERYTHING, sort=by("params.depth", descending=False))) == [
        "-2", "1e-3", "0.5", "9", "10", "auto", "none",
    ]  # fmt: skip
    assert names(reader.runs(fraud, EVERYTHING, sort=by("params.depth")))[:2] == ["10", "9"]


@pytest.mark.parametrize(
    "attribute", ["start_time", "end_time", "duration", "run_name", "status", "user_id", "experiment"]
)
@pytest.mark.parametrize("descending", [True, False])
def test_runs_sort_by_every_attribute_that_is_offered(lab, reader, attribute, descending):
    fraud = lab.project()
    first, second = lab.experiment(fraud, "a"), lab.experiment(fraud, "b")
    lab.run(fraud, first, name="a", start=1000, end=2000, status="FAILED", user="alice")
    lab.run(fraud, second, name="b", start=2000, end=9000, status="FINISHED", user="bob")
    expected = ["b", "a"] if descending else ["a", "b"]
    assert names(reader.runs(fraud, EVERYTHING, sort=by(f"attributes.{attribute}", descending=descending))) == expected


def test_running_runs_have_no_end_and_sort_last_by_duration(lab, reader):
    fraud = lab.project()
    experiment = lab.experiment(fraud)
    lab.run(fraud, experiment, name="running", status="RUNNING")
    lab.run(fraud, experiment, name="done")
    for descending in (True, False):
        page = reader.runs(fraud, EVERYTHING, sort=by("attributes.duration", descending=descending))
        assert names(page) == ["done", "running"]
    assert page.rows[0].seconds == 60
    assert page.rows[1].seconds is None
    counts = reader.counts(fraud, EVERYTHING)
    assert (counts.runs, counts.running, counts.failed) == (2, 1, 0)


@pytest.mark.parametrize(
    "name", ["metrics", "metrics.", "colour.red", "attributes.artifact_uri", "; DROP TABLE runs", "", "params.\x00"]
)
def test_a_column_that_does_not_exist_is_refused_with_the_ones_that_do(name):
    with pytest.raises(Invalid) as refused:
        Column.parse(name)
    assert refused.value.hint


ODD = [
    "it's",
    'say "hi"',
    "100%",
    "under_score",
    "größe 日本 🎈",
    "back\\slash",
    "semi;colon -- comment",
    "$1 :name %s {x}",
    "a`b",
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_characters_come_back_as_they_were_logged(lab, reader, odd):
    fraud = lab.project()
    run_id = lab.run(
        fraud, lab.experiment(fraud, odd), name=odd, params={"p": odd}, tags={"t": odd}, metrics={"m": 1.0}
    )
    run = reader.run(fraud, EVERYTHING, run_id)
    assert (run.name, run.experiment, run.params["p"], run.tags["t"]) == (odd, odd, odd, odd)
    assert [row.name for row in reader.experiments(fraud, EVERYTHING, text=odd).rows] == [odd]
    assert reader.experiments(fraud, EVERYTHING, text="%_x").total == 0
    page = reader.runs(fraud, EVERYTHING, columns=[Column.parse("params.p")], sort=by("params.p"))
    assert page.rows[0].params == {"p": odd}


def test_very_long_values_come_back_whole(lab, reader):
    fraud = lab.project()
    run_id = lab.run(fraud, lab.experiment(fraud), params={"p": "x" * 6000}, tags={"t": "y" * 8000})
    run = reader.run(fraud, EVERYTHING, run_id)
    assert (len(run.params["p"]), len(run.tags["t"])) == (6000, 8000)


@pytest.mark.parametrize("run_id", ["", "nothing", "\x00", "'; DROP TABLE runs; --", "0" * 5000])
def test_what_is_no_run_is_not_found(lab, reader, run_id):
    with pytest.raises(NotFound):
        reader.run(lab.project(), EVERYTHING, run_id)


@pytest.mark.parametrize("experiment", ["", "x", "-1", "99999999999999999999999", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_what_is_no_experiment_is_not_found(lab, reader, experiment):
    project = lab.project()
    with pytest.raises(NotFound):
        reader.experiment(project, EVERYTHING, experiment)
    assert reader.runs(project, EVERYTHING, experiments=[experiment]).total == 0


def test_a_run_in_full_holds_all_that_was_logged(lab, reader):
    fraud = lab.project()
    parent = lab.run(fraud, lab.experiment(fraud, "search"), name="search")
    logged = {"mlflow.parentRunId": parent, "mlflow.user": "dana", "mlflow.source.name": "train.py", "team": "risk"}
    tags = {**logged, "mlflow.source.git.commit": "abc123", "mlflow.note.content": "best so far"}
    run_id = lab.run(
        fraud,
        lab.experiment(fraud, "fits"),
        name="fit",
        tags=tags,
        params={"model": "rf"},
        metrics={"loss": [1.0, 0.5, math.nan]},
    )
    run = reader.run(fraud, EVERYTHING, run_id)
    assert (run.user, run.source, run.version, run.note, run.parent) == (
        "dana",
        "train.py",
        "abc123",
        "best so far",
        parent,
    )
    assert (run.status, run.experiment, run.params) == ("FINISHED", "fits", {"model": "rf"})
    assert run.last["loss"].step == 2
    assert math.isnan(run.last["loss"].value)
    assert reader.parent(fraud, EVERYTHING, run).name == "search"
    assert [row.id for row in reader.children(fraud, EVERYTHING, parent)] == [run_id]
    assert reader.keys(fraud, EVERYTHING).tags == ("team",)


def test_the_datasets_of_a_run_are_read(lab, reader):
    from mlflow.entities import Dataset, DatasetInput, InputTag

    fraud = lab.project()
    run_id = lab.run(fraud, lab.experiment(fraud), name="with data")
    with lab.within(fraud) as store:
        used = Dataset(name="claims", digest="d1", source_type="local", source="{}")
        store.log_inputs(run_id, [DatasetInput(used, [InputTag("mlflow.data.context", "training")])])
    (dataset,) = reader.run(fraud, EVERYTHING, run_id).datasets
    assert (dataset.name, dataset.digest, dataset.context) == ("claims", "d1", "training")
    assert (
        reader.runs(fraud, EVERYTHING, search="datasets.name = 'claims' and datasets.context = 'training'").total == 1
    )
    assert reader.runs(fraud, EVERYTHING, search="datasets.context = 'test'").total == 0


def test_experiments_carry_their_counts_and_the_latest_comes_first(lab, reader):
    fraud = lab.project()
    old, empty, new = (lab.experiment(fraud, name) for name in ("old", "empty", "new"))
    lab.run(fraud, old, start=1_600_000_000_000)
    lab.run(fraud, new, start=4_000_000_000_000)
    lab.run(fraud, new, start=1_000)
    rows = reader.experiments(fraud, EVERYTHING).rows
    assert [(row.id, row.runs) for row in rows] == [(new, 2), (empty, 0), (old, 1)]
    assert rows[1].last_run is None
    assert [row.name for row in reader.experiments(fraud, EVERYTHING, text="E").rows] == ["new", "empty"]
    assert len(reader.experiments(fraud, EVERYTHING, page=2, size=2).rows) == 1


def test_registered_models_are_counted_in_their_project_without_prompts(lab, reader):
    fraud, churn = lab.project("fraud"), lab.project("churn")
    from mlflow.entities.model_registry import RegisteredModelTag

    with lab.within(fraud):
        lab.registry.create_registered_model("scorer")
        lab.registry.create_registered_model("hidden")
        lab.registry.create_registered_model("ask", tags=[RegisteredModelTag("mlflow.prompt.is_prompt", "true")])
        for _ in range(3):
            lab.registry.create_model_version("scorer", "/somewhere")
        lab.registry.delete_model_version("scorer", "3")
    with lab.within(churn):
        lab.registry.create_registered_model("theirs")
    (model,) = reader.models(fraud, all_but("hidden"))
    assert (model.name, model.versions, model.latest) == ("scorer", 2, 2)
    assert [each.name for each in reader.models(fraud, only("hidden"))] == ["hidden"]
    assert (reader.model_count(fraud, all_but("hidden")), reader.model_count(fraud, only("hidden"))) == (1, 1)

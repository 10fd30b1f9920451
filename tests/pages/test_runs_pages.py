"""Experiments, Runs, Run and Compare, as the cast sees them."""

import math

import pytest

from cerberus.policy import Kind, Level, Resource


@pytest.fixture(autouse=True)
def empty(lab, empty_lab):
    """Each test logs its own runs into `fraud` and `churn`."""
    from studio.tracking.schema import install_indexes

    install_indexes(lab.store.engine)
    empty_lab()


@pytest.fixture(autouse=True)
def errors(monkeypatch):
    """A page's errors are shown as `st.App` has them shown; AppTest knows no app."""
    from streamlit.runtime.scriptrunner import exec_code

    from studio import screens

    shown = exec_code.handle_user_script_exception
    monkeypatch.setattr(exec_code, "handle_user_script_exception", lambda error, _: shown(error, screens.failed))


@pytest.fixture
def trained(lab):
    """Two runs that differ, in one experiment of `fraud`."""
    experiment = lab.experiment("fraud", "forests")
    shared = {"features": "all"}
    small = lab.run("fraud", experiment, name="small", start=1_700_000_000_000, params={"depth": 3} | shared,
                    metrics={"accuracy": [0.5, 0.7, 0.8], "loss": [2.0, 1.0, math.nan]},
                    tags={"team": "risk"})  # fmt: skip
    big = lab.run("fraud", experiment, name="big", start=1_700_000_100_000, params={"depth": 12} | shared,
                  metrics={"accuracy": [0.6, 0.8, 0.9], "loss": [1.5, 0.5, 0.25]}, status="FAILED")  # fmt: skip
    return experiment, small, big


def shown(page):
    """The names of the runs in the table, decoded as the browser does."""
    from urllib.parse import unquote

    frames = [each.value for each in page.dataframe if "Run" in each.value.columns]
    return [unquote(link.rpartition("#")[2]) for link in frames[0]["Run"]] if frames else []


def test_experiments_are_listed_with_their_runs(studio, trained, words):
    page = studio.open("experiments.py", who="bob", project="fraud")
    assert not page.exception
    said = words(page)
    assert "1 experiment," in said
    assert "forests" in said
    found = page.text_input(key="experiments_find").set_value("nothing like it").run()
    assert "No experiment has" in words(found)


def test_a_project_without_experiments_shows_how_to_begin_to_those_who_may(studio, words):
    assert "mlflow.start_run()" in words(studio.open("experiments.py", who="dana", project="fraud"))
    assert "mlflow.start_run()" not in words(studio.open("experiments.py", who="bob", project="fraud"))


def test_runs_are_listed_newest_first_with_their_true_total(studio, trained, words):
    page = studio.open("runs.py", who="bob", project="fraud")
    assert not page.exception
    assert shown(page) == ["big", "small"]
    assert "**2** runs" in words(page)
    frame = page.dataframe[0].value
    assert [cell[2:] for cell in frame["Status"]] == ["failed", "finished"]
    assert list(frame["accuracy"]) == ["0.9000", "0.8000"]
    assert list(frame["loss"]) == ["0.2500", "NaN"]


def test_charlie_sees_no_run_and_no_name_of_one(studio, trained, words):
    for script in ("experiments.py", "runs.py", "compare.py", "run.py"):
        page = studio.open(script, who="charlie", project="fraud", run=trained[1], runs=",".join(trained[1:]))
        said = words(page)
        assert "forests" not in said
        assert "small" not in said
        assert not page.dataframe


def test_a_hidden_experiment_is_neither_listed_nor_counted_nor_opened(studio, cast, cerberus, lab, trained, words):
    hidden = lab.experiment("fraud", "secret")
    run = lab.run("fraud", hidden, name="hidden-run", start=1_600_000_000_000, metrics={"codename": 1.0})
    cerberus.grants.give(cast.alice, Resource("fraud", Kind.EXPERIMENT, hidden), subject="bob", level=Level.DENY)
    page = studio.open("runs.py", who="bob", project="fraud")
    assert shown(page) == ["big", "small"]
    assert "**2** runs" in words(page)
    for link in ({"script": "run.py", "run": run}, {"script": "runs.py", "experiment": hidden}):
        said = words(studio.open(who="bob", project="fraud", **link))
        assert "that you can see" in said
        assert "hidden-run" not in said
        assert "codename" not in said
    compared = words(studio.open("compare.py", who="bob", project="fraud", runs=f"{trained[1]},{run}"))
    assert "1 of 2 runs" in compared
    assert "hidden-run" not in compared
    assert "secret" not in words(studio.open("experiments.py", who="bob", project="fraud"))
    assert shown(studio.open("runs.py", who="alice", project="fraud")) == ["big", "small", "hidden-run"]


def test_another_projects_run_is_not_found_by_its_link(studio, lab, words):
    run = lab.run("churn", lab.experiment("churn", "theirs"), name="not-yours")
    said = words(studio.open("run.py", who="alice", project="fraud", run=run))
    assert "that you can see" in said
    assert "not-yours" not in said


def test_a_filter_in_the_link_is_applied_and_a_wrong_one_explained(studio, trained, words):
    page = studio.open("runs.py", who="bob", project="fraud", runs_filter="metrics.accuracy > 0.85")
    assert shown(page) == ["big"]
    page.text_input(key="runs_filter").set_value("metrics.accuracy > 0.85 or params.depth = '3'").run()
    assert "`and` only" in page.error[0].value.replace("\\", "")
    assert not page.exception
    page.text_input(key="runs_filter").set_value("params.depth = '99'").run()
    assert "No run fits this filter" in words(page)
    page.text_input(key="runs_filter").set_value("").run()
    assert shown(page) == ["big", "small"]


def test_sorting_is_done_by_the_database_and_stands_in_the_link(studio, trained):
    page = studio.open("runs.py", who="bob", project="fraud", runs_sort="metrics.accuracy", runs_order="ascending")
    assert shown(page) == ["small", "big"]
    page.selectbox(key="runs_sort").set_value("params.depth").run()
    assert shown(page) == ["small", "big"]
    page = studio.open("runs.py", who="bob", project="fraud", runs_sort="nonsense")
    assert shown(page) == ["big", "small"]


def test_the_columns_are_the_readers_choice(studio, trained):
    page = studio.open("runs.py", who="bob", project="fraud")
    page.multiselect(key="runs_columns").set_value(["params.depth", "tags.team"]).run()
    frame = page.dataframe[0].value
    assert list(frame["depth"]) == ["12", "3"]
    assert list(frame["team"]) == ["\N{EN DASH}", "risk"]
    assert "accuracy" not in frame.columns
    stale = studio.open("runs.py", who="bob", project="fraud", runs_columns="metrics.long_gone", runs_page="99")
    assert not stale.exception
    assert shown(stale) == ["big", "small"]


def test_the_second_page_is_full_and_a_choice_survives_turning_pages(studio, lab):
    experiment = lab.experiment("fraud", "many")
    for index in range(110):
        lab.run("fraud", experiment, name=f"run-{index:03}", start=1_700_000_000_000 + index)
    page = studio.open("runs.py", who="bob", project="fraud")
    assert shown(page)[0] == "run-109"
    tick(page, [0, 3])
    page.session_state["runs_page"] = 2
    page.run()
    assert len(shown(page)) == 50
    assert shown(page)[0] == "run-059"
    tick(page, [1])
    page.session_state["runs_page"] = 3
    page.run()
    assert shown(page) == [f"run-{index:03}" for index in range(9, -1, -1)]
    chosen = reader_names(studio, page)
    assert chosen == ["run-109", "run-106", "run-058"]
    page.session_state["runs_page"] = 1
    page.run()
    dots = page.dataframe[0].value["Colour"]
    marked = [name for name, dot in zip(shown(page), dots, strict=True) if dot]
    assert marked == ["run-109", "run-106"]
    page.button(key="runs_clear").click().run()
    assert reader_names(studio, page) == []


def tick(page, rows):
    """What the browser does when rows of the table are ticked: their positions, and the callback."""
    from studio.ui.tables import merged

    _, project, ids = page.session_state["tables_now"]
    key = f"tables_chosen_{project}"
    before = page.session_state[key] if key in page.session_state else []  # noqa: SIM401
    page.session_state[key] = merged(before, on_page=ids, picked=[ids[row] for row in rows])
    page.run()


def reader_names(studio, page):
    """The names of the chosen runs."""
    from cerberus.policy import Visible
    from studio import guard

    key = "tables_chosen_fraud"
    ids = page.session_state[key] if key in page.session_state else []  # noqa: SIM401
    return [run.name for run in guard.reader().runs_in_full("fraud", Visible(default=True), ids)]


def test_no_run_yet_shows_the_lines_that_log_the_first(studio, words):
    page = studio.open("runs.py", who="dana", project="fraud")
    assert "No run yet" in words(page)
    assert 'os.environ["MLFLOW_WORKSPACE"] = "fraud"' in words(page)


def test_a_run_shows_what_it_was_given_and_what_it_reached(studio, trained, words):
    page = studio.open("run.py", who="bob", project="fraud", run=trained[1])
    assert not page.exception
    said = words(page)
    assert "small" in said
    assert "finished" in said
    frames = {tuple(each.value.columns): each.value for each in page.dataframe}
    assert list(frames["Parameter", "Value"]["Value"]) == ["3", "all"]
    assert list(frames["Metric", "Last value", "Step"]["Last value"]) == ["0.8000", "NaN"]
    assert "run_edit_open" not in [button.key for button in page.button]


def test_only_those_who_may_change_a_run_are_offered_to(studio, trained):
    page = studio.open("run.py", who="dana", project="fraud", run=trained[1])
    assert "run_edit_open" in [button.key for button in page.button]


def test_a_parent_and_its_children_link_to_each_other(studio, lab, words):
    experiment = lab.experiment("fraud", "search")
    parent = lab.run("fraud", experiment, name="sweep")
    child = lab.run("fraud", experiment, name="trial-1", tags={"mlflow.parentRunId": parent})
    assert "part of sweep" in words(studio.open("run.py", who="bob", project="fraud", run=child))
    assert shown(studio.open("run.py", who="bob", project="fraud", run=parent)) == ["trial-1"]


@pytest.mark.parametrize(
    ("run", "said"),
    [("nothing", "that you can see"), ("", "No run is chosen"), ("'; DROP TABLE runs", "that you can see")],
)
def test_a_link_to_no_run_says_so(studio, trained, words, run, said):
    page = studio.open("run.py", who="bob", project="fraud", **({"run": run} if run else {}))
    assert not page.exception
    assert said in words(page)


def test_compare_shows_only_what_differs_and_all_at_a_click(studio, trained):
    _, small, big = trained
    page = studio.open("compare.py", who="bob", project="fraud", runs=f"{small},{big}", baseline=small)
    assert not page.exception
    cells = {row[""]: row for frame in page.dataframe for row in frame.value.to_dict("records")}
    assert "features" not in cells
    assert cells["depth"]["small (baseline)"] == "3"
    assert cells["accuracy"]["big"] == "0.9000  (+0.1000 better)"
    assert cells["loss"]["big"] == "0.2500"  # the baseline's is NaN
    assert cells["status"]["big"] == "failed"
    page.toggle(key="compare_all").set_value(True).run()
    names = [name for frame in page.dataframe for name in frame.value[""]]
    assert "features" in names


def test_the_baseline_is_the_readers_choice(studio, trained):
    _, small, big = trained
    page = studio.open("compare.py", who="bob", project="fraud", runs=f"{small},{big}")
    page.selectbox(key="compare_baseline").set_value(big).run()
    cells = {row[""]: row for frame in page.dataframe for row in frame.value.to_dict("records")}
    assert cells["accuracy"]["small"] == "0.8000  (\N{MINUS SIGN}0.1000 worse)"
    assert page.query_params["baseline"] in (big, [big])


def test_compare_without_runs_says_how_to_choose_them(studio, trained, words):
    assert "Tick two or more runs" in words(studio.open("compare.py", who="bob", project="fraud"))


@pytest.mark.parametrize("script", ["run.py", "compare.py"])
def test_curves_are_drawn_for_the_chosen_metrics(studio, trained, script):
    _, small, big = trained
    page = studio.open(
        script, who="bob", project="fraud", run=small, runs=f"{small},{big}", run_part="Curves", compare_part="Curves"
    )
    assert not page.exception
    prefix = script.removesuffix(".py")
    assert page.multiselect(key=f"{prefix}_metrics").value == ["accuracy", "loss"]
    assert len(page.get("plotly_chart")) == 2
    page.toggle(key=f"{prefix}_log").set_value(True).run()
    page.slider(key=f"{prefix}_smoothing").set_value(0.9).run()
    page.multiselect(key=f"{prefix}_metrics").set_value(["loss"]).run()
    assert not page.exception
    assert len(page.get("plotly_chart")) == 1


HOSTILE = "<b>x</b> :material/home: [a](http://b) $x$ *y*"


def test_names_of_runs_are_shown_as_they_are(studio, lab, words):
    experiment = lab.experiment("fraud", HOSTILE)
    run = lab.run("fraud", experiment, name=HOSTILE, params={"p": HOSTILE}, metrics={"m": [1.0, 2.0]})
    for script in ("experiments.py", "runs.py", "run.py", "compare.py"):
        page = studio.open(script, who="bob", project="fraud", run=run, runs=run, run_part="Curves")
        assert not page.exception
        assert "[a](http" not in words(page).replace(HOSTILE, "")


@pytest.mark.parametrize("script", ["experiments.py", "runs.py", "run.py", "compare.py"])
def test_without_a_session_the_page_alone_shows_nothing(studio, trained, words, script):
    page = studio.open_alone(script, who=None, project="fraud", run=trained[1], runs=",".join(trained[1:]))
    assert "forests" not in words(page)
    assert "small" not in words(page)
    assert not page.dataframe

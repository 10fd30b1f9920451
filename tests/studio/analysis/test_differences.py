"""What differs between runs, and what a difference means."""

import math
from dataclasses import replace

import pytest

from studio.analysis.diff import NAME, SECTION, Section, Verdict, deltas, differing, facts, verdict
from studio.analysis.statistics import smoothed
from studio.tracking.records import Run, UsedDataset

CLAIMS = UsedDataset("claims", "d1", "training")


def run(name, **known):
    """A finished run of Dana's."""
    shared = {"experiment_id": "1", "experiment": "fits", "status": "FINISHED", "user": "dana", "started": None}
    return Run(id=name, name=name, ended=None, **(shared | known))


def rows(table):
    return {(row[SECTION], row[NAME]): row for row in table.to_dict("records")}


def test_only_what_differs_is_left():
    one = run(
        "a", params={"depth": "3", "same": "x"}, metrics={"auc": 0.9, "nan": math.nan}, tags={"mlflow.user": "dana"}
    )
    two = run(
        "b", params={"depth": "4", "same": "x"}, metrics={"auc": 0.8, "nan": math.nan}, tags={"mlflow.user": "bob"}
    )
    assert set(rows(differing(facts([one, two])))) == {(Section.METRICS, "auc"), (Section.PARAMS, "depth")}
    assert (Section.PARAMS, "same") in rows(facts([one, two]))


def test_what_one_run_lacks_is_a_difference():
    table = differing(facts([run("a", params={"p": "None"}), run("b")]))
    assert rows(table)[Section.PARAMS, "p"]["b"] is None


def test_a_number_and_a_missing_number_differ_from_nan():
    runs = [run("a", metrics={"m": math.nan}), run("b"), run("c", metrics={"m": 0.0})]
    assert (Section.METRICS, "m") in rows(differing(facts(runs)))


def test_code_status_and_data_are_compared():
    one = run("a", version="abc", source="train.py", datasets=(CLAIMS,))
    two = run("b", version="def", source="train.py", status="FAILED", datasets=(replace(CLAIMS, digest="d2"),))
    found = rows(differing(facts([one, two])))
    assert set(found) == {(Section.CODE, "commit"), (Section.CODE, "status"), (Section.DATA, "claims (training)")}
    assert found[Section.CODE, "status"]["b"] == "failed"


def test_one_run_differs_from_nothing_and_none_is_an_empty_table():
    assert differing(facts([run("a", params={"p": "1"})])).empty
    assert facts([]).empty
    assert differing(facts([])).empty


def test_deltas_are_signed_and_against_the_baseline():
    table = facts([run("a", metrics={"auc": 0.5}, params={"p": "1"}), run("b", metrics={"auc": 0.75}), run("c")])
    away = deltas(table, "a")
    at = table.index[table[NAME] == "auc"][0]
    assert (away.at[at, "a"], away.at[at, "b"], away.at[at, "c"]) == (0.0, 0.25, None)
    assert deltas(table, "b").at[at, "a"] == -0.25
    assert away.at[table.index[table[NAME] == "p"][0], "b"] is None


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_there_is_no_distance_from_or_to_what_is_no_number(odd):
    table = facts([run("a", metrics={"m": odd}), run("b", metrics={"m": 1.0})])
    assert list(deltas(table, "a").loc[0]) == [None, None]
    assert deltas(table, "b").loc[0, "a"] is None


@pytest.mark.parametrize(
    ("metric", "delta", "means"),
    [
        ("accuracy", 0.1, Verdict.BETTER), ("val_accuracy", -0.1, Verdict.WORSE), ("t/f1_score", 0.1, Verdict.BETTER),
        ("val_loss", -0.1, Verdict.BETTER), ("train.rmse", 0.1, Verdict.WORSE), ("fit_time", 2.0, Verdict.WORSE),
        ("f1_macro", 0.1, Verdict.BETTER),
        ("epochs", 1.0, Verdict.UNKNOWN), ("lossless", 1.0, Verdict.UNKNOWN), ("accuracy", 0.0, Verdict.UNKNOWN),
        ("accuracy", None, Verdict.UNKNOWN), ("accuracy", math.nan, Verdict.UNKNOWN),
    ],
)  # fmt: skip
def test_better_and_worse_depend_on_the_metric(metric, delta, means):
    assert verdict(metric, delta) is means


def test_smoothing_starts_at_the_first_value_and_passes_over_gaps():
    assert smoothed([1.0, 2.0, 3.0], 0.0) == [1.0, 2.0, 3.0]
    assert smoothed([5.0] * 4, 0.9) == pytest.approx([5.0] * 4)
    with_gap = smoothed([1.0, math.nan, math.inf, 1.0], 0.5)
    assert with_gap[0] == with_gap[3] == 1.0
    assert math.isnan(with_gap[1])
    assert with_gap[2] == math.inf
    assert smoothed([], 0.5) == []

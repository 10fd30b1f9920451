"""Histories come back short, with their ends and every extreme kept."""

import math

import pytest

from cerberus.policy import Visible
from studio.tracking.schema import metrics as history
from studio.tracking.series import MAX_POINTS, Axis

EVERYTHING = Visible(default=True)
START = 1_700_000_000_000


def fill(lab, run_id, values, *, key="loss", steps=None):
    """Rows as MLflow writes them, many at once."""
    rows = [
        {
            "key": key,
            "value": 0.0 if math.isnan(value) else value,
            "is_nan": math.isnan(value),
            "timestamp": START + 10 * index,
            "step": index if steps is None else steps[index],
            "run_uuid": run_id,
        }
        for index, value in enumerate(values)
    ]
    with lab.store.engine.begin() as connection:
        connection.execute(history.insert(), rows)


@pytest.mark.parametrize("axis", list(Axis))
def test_a_hundred_thousand_steps_come_back_as_three_hundred_with_their_extremes(lab, reader, axis):
    fraud = lab.project()
    run_id = lab.run(fraud, lab.experiment(fraud))
    values = [math.sin(step / 500) for step in range(100_000)]
    values[31_415], values[77_777] = 50.0, -50.0
    fill(lab, run_id, values)
    (line,) = reader.lines(fraud, EVERYTHING, [run_id], metrics=["loss"], axis=axis)
    assert line.logged == 100_000
    assert line.thinned
    assert 200 <= len(line.values) <= MAX_POINTS
    assert (line.values[line.steps.index(31_415)], line.values[line.steps.index(77_777)]) == (50.0, -50.0)
    assert (line.steps[0], line.steps[-1]) == (0, 99_999)
    assert (line.values[0], line.values[-1]) == (values[0], values[-1])
    assert line.steps == sorted(line.steps)
    assert all(value == values[step] for step, value in zip(line.steps, line.values, strict=True))


def test_short_histories_come_back_whole_and_in_order(lab, reader):
    fraud = lab.project()
    experiment = lab.experiment(fraud)
    first = lab.run(fraud, experiment, metrics={"loss": [3.0, 2.0, 1.0], "auc": 0.9})
    second = lab.run(fraud, experiment, metrics={"loss": [5.0]})
    lines = reader.lines(fraud, EVERYTHING, [second, first, second], metrics=["loss", "auc", "nothing"])
    assert [(line.metric, line.run_id, line.values) for line in lines] == [
        ("loss", second, [5.0]),
        ("loss", first, [3.0, 2.0, 1.0]),
        ("auc", first, [0.9]),
    ]
    assert lines[1].steps == [0, 1, 2]
    assert (lines[1].times[2] - lines[1].times[0]).total_seconds() == 2


def test_nan_and_infinity_stay_what_they_are(lab, reader):
    fraud = lab.project()
    run_id = lab.run(fraud, lab.experiment(fraud), metrics={"loss": [1.0, math.nan, math.inf, -math.inf, 2.0]})
    (line,) = reader.lines(fraud, EVERYTHING, [run_id], metrics=["loss"])
    assert line.values[0] == 1.0
    assert math.isnan(line.values[1])
    assert line.values[2:] == [math.inf, -math.inf, 2.0]
    assert line.nans == 1


def test_nan_in_a_long_history_neither_hides_extremes_nor_counts_as_zero(lab, reader):
    fraud = lab.project()
    run_id = lab.run(fraud, lab.experiment(fraud))
    values = [math.nan if step % 100 == 50 else 10.0 + step % 7 for step in range(5_000)]
    fill(lab, run_id, values)
    (line,) = reader.lines(fraud, EVERYTHING, [run_id], metrics=["loss"])
    numbers = [value for value in line.values if not math.isnan(value)]
    assert (min(numbers), max(numbers)) == (10.0, 16.0)
    assert line.nans == 50
    assert len(numbers) < len(line.values)


def test_a_long_flat_history_is_short_too(lab, reader):
    fraud = lab.project()
    run_id = lab.run(fraud, lab.experiment(fraud))
    fill(lab, run_id, [1.0] * 5_000)
    (line,) = reader.lines(fraud, EVERYTHING, [run_id], metrics=["loss"])
    assert set(line.values) == {1.0}
    assert len(line.values) <= MAX_POINTS


def test_many_values_at_one_step_keep_their_extremes(lab, reader):
    fraud = lab.project()
    run_id = lab.run(fraud, lab.experiment(fraud))
    fill(lab, run_id, [float(value) for value in range(1_000)], steps=[0] * 1_000)
    (line,) = reader.lines(fraud, EVERYTHING, [run_id], metrics=["loss"])
    assert sorted(line.values) == [0.0, 999.0]
    (over_time,) = reader.lines(fraud, EVERYTHING, [run_id], metrics=["loss"], axis=Axis.TIME)
    assert len(over_time.values) > 200


def test_steps_far_apart_and_negative_keep_their_order(lab, reader):
    fraud = lab.project()
    run_id = lab.run(fraud, lab.experiment(fraud))
    steps = [-(10**12) + 10**9 * index for index in range(2_000)]
    fill(lab, run_id, [float(index) for index in range(2_000)], steps=steps)
    (line,) = reader.lines(fraud, EVERYTHING, [run_id], metrics=["loss"])
    assert (line.values[0], line.values[-1]) == (0.0, 1999.0)
    assert line.steps == sorted(line.steps)


@pytest.mark.parametrize("metric", ["it's", "100%_", "größe", 'a "b"', "train/loss"])
def test_odd_metric_names_are_found_exactly(lab, reader, metric):
    if metric in ("it's", "100%_", 'a "b"', "größe"):
        fraud = lab.project()
        run_id = lab.run(fraud, lab.experiment(fraud))
        fill(lab, run_id, [1.0], key=metric)
    else:
        fraud = lab.project()
        run_id = lab.run(fraud, lab.experiment(fraud), metrics={metric: [1.0]})
    assert [line.metric for line in reader.lines(fraud, EVERYTHING, [run_id], metrics=[metric, "100xx", "\x00"])] == [
        metric
    ]

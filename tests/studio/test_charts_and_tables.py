"""How numbers, curves and tables of runs look."""

import math
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest

from studio.tracking.columns import Column, Part
from studio.tracking.records import RunRow
from studio.tracking.series import Line
from studio.ui import charts, format, tables
from studio.ui.charts import Along, Curves, Runs
from studio.ui.theme import PALETTES, RUN_COLOURS

START = datetime(2026, 1, 1, tzinfo=UTC)


def line(run_id="a", values=(1.0, 2.0), **known):
    times = [START + timedelta(seconds=index) for index in range(len(values))]
    return Line(run_id, "loss", len(values), 0, list(range(len(values))), times, list(values), **known)


RUNS = Runs({"a": "first <b>run</b>", "b": "second"}, {"a": 0, "b": 1})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.123456, "0.1235"), (0.9, "0.9000"), (12.3456, "12.35"), (123456.789, "123,457"), (100.0, "100"),
        (0.0, "0"), (-0.5, "\N{MINUS SIGN}0.5000"), (1e-9, "1.000e-09"), (1.5e12, "1.500e+12"), (12000.0, "12,000"),
        (math.nan, "NaN"), (math.inf, "\N{INFINITY}"), (-math.inf, "\N{MINUS SIGN}\N{INFINITY}"), (None, "\N{EN DASH}"),
        (9.99999, "10.00"), (1e300, "1.000e+300"),
    ],
)  # fmt: skip
def test_numbers_have_four_significant_digits(value, shown):
    assert format.number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "\N{EN DASH}"), (-1, "\N{EN DASH}"), (0, "0.0 s"), (0.05, "50 ms"), (3.21, "3.2 s"), (59.7, "1 min"),
        (61, "1 min 1 s"), (3600, "1 h"), (90_061, "1 d 1 h"),
    ],
)  # fmt: skip
def test_durations_are_human(seconds, shown):
    assert format.duration(seconds) == shown


@pytest.mark.parametrize(
    ("amount", "shown"), [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (10**7, "10 MB"), (3 * 10**12, "3000 GB")]
)
def test_sizes_are_human(amount, shown):
    assert format.size(amount) == shown


def test_every_status_has_a_word_an_icon_and_a_mark():
    for status in ("RUNNING", "FINISHED", "FAILED", "KILLED", "SCHEDULED", "NEW"):
        state = format.state(status)
        assert state.word
        assert state.icon.startswith(":material/")
        assert state.mark


def test_differences_carry_their_sign():
    assert (format.signed(0.5), format.signed(-0.5)) == ("+0.5000", "\N{MINUS SIGN}0.5000")


def test_eight_runs_have_eight_colours_and_the_ninth_a_dash():
    assert [charts.style(place)[0] for place in range(8)] == list(RUN_COLOURS)
    assert charts.style(0) == (RUN_COLOURS[0], "solid")
    assert charts.style(8) == (RUN_COLOURS[0], "dash")
    assert len({charts.style(place) for place in range(32)}) == 32


def test_a_run_has_its_colour_on_every_chart_whatever_else_is_drawn():
    alone = charts.curves([line("b")], Curves(), runs=RUNS, palette="light")
    both = charts.curves([line("a"), line("b")], Curves(smoothing=0.5), runs=RUNS, palette="dark")
    assert alone.data[0].line.color == both.data[3].line.color == RUN_COLOURS[1]


def test_what_is_no_number_is_a_gap_and_is_said():
    drawn = charts.curves([line(values=[1.0, math.nan, math.inf, -1.0])], Curves(log=True), runs=RUNS, palette="light")
    assert drawn.data[0].y == (1.0, None, None, None)
    assert len(charts.notes([line(values=[1.0, math.nan, -1.0])], log=True)) == 2
    assert charts.notes([line()], log=False) == []


def test_names_are_text_on_a_chart_too():
    drawn = charts.curves([line("a")], Curves(), runs=RUNS, palette="light")
    assert drawn.data[0].name == "first &lt;b&gt;run&lt;/b&gt;"
    assert "first" not in drawn.data[0].hovertemplate


@pytest.mark.parametrize("along", list(Along))
def test_each_axis_has_its_values(along):
    drawn = charts.curves([line()], Curves(along=along), runs=RUNS, palette="light")
    expected = {"step": (0, 1), "relative": (0.0, 1.0), "time": (START, START + timedelta(seconds=1))}
    assert tuple(drawn.data[0].x) == expected[along]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_charts_take_their_colours_from_the_theme(name):
    layout = charts.template(name).layout
    assert layout.paper_bgcolor == PALETTES[name].page
    assert layout.font.color == PALETTES[name].text


def test_lines_are_drawn_as_svg_never_as_webgl():
    drawn = charts.curves([line(values=[1.0] * 300)], Curves(), runs=RUNS, palette="light")
    assert {trace.type for trace in drawn.data} == {"scatter"}


@pytest.mark.parametrize(
    ("before", "on_page", "picked", "after"),
    [
        ([], ["a", "b"], ["b"], ["b"]),
        (["x", "b"], ["a", "b"], ["a", "b"], ["x", "b", "a"]),
        (["x", "b"], ["a", "b"], [], ["x"]),
        (["x"], [], [], ["x"]),
    ],
)
def test_a_pages_picks_change_nothing_that_was_picked_elsewhere(before, on_page, picked, after):
    assert tables.merged(before, on_page=on_page, picked=picked) == after


def row(**known):
    shared = {
        "id": "r1",
        "name": "a #1/ünì",
        "experiment_id": "1",
        "experiment": "fits",
        "status": "RUNNING",
        "user": "",
    }
    return RunRow(**(shared | {"started": START, "ended": None} | known))


def test_columns_with_one_name_are_told_apart():
    columns = [
        Column(Part.PARAMS, "lr"),
        Column(Part.METRICS, "lr"),
        Column(Part.TAGS, "Run"),
        Column(Part.METRICS, "f1"),
    ]
    shown = row(params={"lr": "0.1"}, metrics={"lr": 0.25}, tags={"Run": "x"})
    frame = tables.frame([shown], columns, project="fraud", places={})
    assert list(frame.columns)[-4:] == ["lr (params)", "lr (metrics)", "Run (tags)", "f1"]
    assert list(frame.iloc[0])[-4:] == ["0.1", "0.2500", "x", "\N{EN DASH}"]


def test_a_run_links_to_itself_and_shows_its_name():
    link = tables.run_link("fraud", "r1", "a #1/ünì")
    assert link.startswith("/run?project=fraud&run=r1#")
    assert unquote(link.partition("#")[2]) == "a #1/ünì"
    assert tables.names([row(), row(id="r2")]) == {"r1": "a #1/ünì (r1)", "r2": "a #1/ünì (r2)"}

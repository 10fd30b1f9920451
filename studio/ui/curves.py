"""Curves of metrics with their controls, as the pages of one run and of several show them."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from studio.tracking.series import Axis, Line
from studio.ui import charts
from studio.ui.charts import Along, Curves, Runs
from studio.ui.text import plain

FIRST, MOST = 4, 12


def controls(page: str, metrics: Sequence[str], *, first: Sequence[str]) -> Curves:
    """What the reader wants to see; her choice stands in the link."""
    chosen = st.multiselect(
        "Metrics", list(metrics), default=list(first[:FIRST]), max_selections=MOST, key=f"{page}_metrics",
        bind="query-params",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        along = st.segmented_control(
            "Along", [each.value for each in Along], default=Along.STEP.value, required=True, key=f"{page}_along",
            bind="query-params",
        )  # fmt: skip
        smoothing = st.slider(
            "Smoothing", 0.0, 0.99, 0.0, 0.01, key=f"{page}_smoothing", bind="query-params", width=240,
            help="An exponential moving average; the values themselves stay visible, faintly.",
        )  # fmt: skip
        log = st.toggle("Log scale", key=f"{page}_log", bind="query-params")
    return Curves(tuple(chosen), Along(along or Along.STEP), log=log, smoothing=smoothing)


def axis(drawn: Curves) -> Axis:
    """What the database divides into buckets for these curves."""
    return Axis.STEP if drawn.along is Along.STEP else Axis.TIME


def grid(lines: Sequence[Line], drawn: Curves, *, runs: Runs, page: str) -> None:
    """Two charts a row, a chart for each metric, and the drawn points as CSV."""
    by_metric = {name: [line for line in lines if line.metric == name] for name in drawn.metrics}
    shown = {name: of_it for name, of_it in by_metric.items() if of_it}
    if not shown:
        st.info("Choose a metric to see its curve." if not drawn.metrics else "No values were logged for this choice.")
        return
    palette, sides = charts.theme(), st.columns(2 if len(shown) > 1 else 1)
    for place, (name, of_it) in enumerate(shown.items()):
        with sides[place % len(sides)].container(border=True):
            single = all(line.logged == 1 for line in of_it)
            height = 320 + 22 * max(0, len(of_it) - 3)
            if single:
                figure = charts.bars(of_it, runs=runs, palette=palette)
            else:
                figure = charts.curves(of_it, drawn, runs=runs, palette=palette, height=height)
            charts.show(figure, key=f"{page}_chart_{name}", alt=f"{name} of {len(of_it)} run(s)")
            for note in [] if single else charts.notes(of_it, log=drawn.log):
                st.caption(plain(note))
    st.download_button(
        "Points as CSV", points(lines, runs).to_csv(index=False), f"{page}.csv", "text/csv", key=f"{page}_csv",
        icon=":material/download:", type="tertiary", on_click="ignore",
    )  # fmt: skip


def points(lines: Sequence[Line], runs: Runs) -> pd.DataFrame:
    """The drawn points, one a row."""
    rows = [
        (runs.names.get(line.run_id, ""), line.run_id, line.metric, step, time, value)
        for line in lines
        for step, time, value in zip(line.steps, line.times, line.values, strict=True)
    ]
    return pd.DataFrame(rows, columns=["run", "run_id", "metric", "step", "time", "value"])

"""Curves of metrics in the Studio's own plotly template; a run has one colour on every chart."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import plotly.graph_objects as go
import streamlit as st

from studio.analysis.statistics import smoothed
from studio.tracking.series import Line
from studio.ui.format import number
from studio.ui.theme import PALETTES, RUN_COLOURS

DASHES = ("solid", "dash", "dot", "dashdot")
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "mlstudio"},
}
MARKED = 40  # a line with fewer points shows them


class Along(StrEnum):
    """What the horizontal axis of a curve is."""

    STEP = "step"
    TIME = "time"
    RELATIVE = "relative"


@dataclass(frozen=True, slots=True)
class Curves:
    """Which metrics are drawn, and how."""

    metrics: tuple[str, ...] = ()
    along: Along = Along.STEP
    log: bool = False
    smoothing: float = 0.0


@dataclass(frozen=True, slots=True)
class Runs:
    """The names of runs, and their places among the chosen ones, which decide their colours."""

    names: Mapping[str, str]
    places: Mapping[str, int]


def theme() -> str:
    """Whether the reader's page is light or dark."""
    return "dark" if st.context.theme.type == "dark" else "light"


def style(place: int) -> tuple[str, str]:
    """The colour and dash of the run at a place: eight colours, then the same with dashes."""
    return RUN_COLOURS[place % len(RUN_COLOURS)], DASHES[place // len(RUN_COLOURS) % len(DASHES)]


def dot(place: int) -> str:
    """The mark of the run at a place, as SVG: a filled circle, past eight runs a ring."""
    colour, dash = style(place)
    fill = colour if dash == "solid" else "none"
    circle = f'<circle cx="7" cy="7" r="5" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" width="14" height="14">{circle}</svg>'
    return "data:image/svg+xml," + quote(drawn)


def template(name: str) -> go.layout.Template:
    """The look of every chart in the light or the dark theme."""
    colours = PALETTES[name]
    axis = {
        "gridcolor": colours.line, "linecolor": colours.line, "zerolinecolor": colours.line,
        "tickfont": {"color": colours.quiet}, "title": {"font": {"color": colours.quiet}},
        "automargin": True, "ticks": "", "showline": True,
    }  # fmt: skip
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": colours.text},
            "title": {"font": {"size": 15, "color": colours.text}, "x": 0, "xanchor": "left"},
            "paper_bgcolor": colours.page, "plot_bgcolor": colours.page, "colorway": list(RUN_COLOURS),
            "xaxis": axis, "yaxis": axis,
            "margin": {"l": 8, "r": 8, "t": 40, "b": 8},
            "legend": {"orientation": "h", "yanchor": "top", "y": -0.34, "x": 0, "font": {"color": colours.text}},
            "hoverlabel": {
                "bgcolor": colours.panel, "bordercolor": colours.line, "font": {"color": colours.text, "family": FONT},
            },
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colours.quiet, "activecolor": colours.accent},
        }
    )  # fmt: skip


def curves(lines: Sequence[Line], drawn: Curves, *, runs: Runs, palette: str, height: int = 320) -> go.Figure:
    """One metric of some runs. What is not finite leaves a gap; on a log scale so does what is not positive."""
    figure = go.Figure()
    for line in lines:
        colour, dash = style(runs.places.get(line.run_id, 0))
        name = html.escape(runs.names.get(line.run_id, line.run_id[:8]))
        x = _x(line, drawn.along)
        raw = [_shown(value, log=drawn.log) for value in line.values]
        smooth = [_shown(value, log=drawn.log) for value in smoothed(line.values, drawn.smoothing)]
        if drawn.smoothing:
            faint = {"color": colour, "width": 1}
            figure.add_scatter(
                x=x, y=raw, mode="lines", line=faint, opacity=0.3, hoverinfo="skip", showlegend=False, name=name
            )
        figure.add_scatter(
            x=x, y=smooth, name=name, mode="lines+markers" if len(line.values) <= MARKED else "lines",
            line={"color": colour, "width": 2, "dash": dash}, marker={"size": 5}, connectgaps=False,
            customdata=[[step, number(value)] for step, value in zip(line.steps, line.values, strict=True)],
            hovertemplate="<b>%{fullData.name}</b><br>step %{customdata[0]}: %{customdata[1]}<extra></extra>",
        )  # fmt: skip
    metric = html.escape(lines[0].metric) if lines else ""
    figure.update_layout(
        template=template(palette), title={"text": metric}, height=height,
        showlegend=len(runs.names) > 1, hovermode="closest", uirevision=f"{metric}{drawn.along}{drawn.log}",
    )  # fmt: skip
    titles = {Along.STEP: "step", Along.TIME: "time (UTC)", Along.RELATIVE: "seconds since the first value"}
    figure.update_xaxes(title_text=titles[drawn.along])
    figure.update_yaxes(type="log" if drawn.log else "linear", exponentformat="power")
    return figure


def bars(lines: Sequence[Line], *, runs: Runs, palette: str) -> go.Figure:
    """A metric that was logged once, a bar for each run; what is not finite has its word and no bar."""
    shown = list(reversed(lines))
    labels = [html.escape(runs.names.get(line.run_id, line.run_id[:8])) for line in shown]
    figure = go.Figure()
    figure.add_bar(
        x=[_shown(line.values[-1], log=False) for line in shown], y=[line.run_id for line in shown], orientation="h",
        marker={"color": [style(runs.places.get(line.run_id, 0))[0] for line in shown]},
        text=[number(line.values[-1]) for line in shown], textposition="auto", customdata=labels,
        hovertemplate="<b>%{customdata}</b>: %{text}<extra></extra>",
    )  # fmt: skip
    figure.update_yaxes(tickvals=[line.run_id for line in shown], ticktext=labels, type="category")
    title = {"text": html.escape(shown[0].metric)}
    return figure.update_layout(template=template(palette), title=title, height=max(150, 70 + 34 * len(shown)))


def notes(lines: Sequence[Line], *, log: bool) -> list[str]:
    """What a chart of these lines does not show, in words."""
    found = []
    if any(line.thinned for line in lines):
        most = max(line.logged for line in lines)
        found.append(f"Up to {most:,} values a line, thinned; the ends, lowest and highest values are kept.")
    missing = sum(1 for line in lines for value in line.values if not math.isfinite(value))
    if missing:
        found.append("NaN and infinite values are gaps.")
    if log and any(value <= 0 for line in lines for value in line.values):
        found.append("A log scale has no place for zero and negative values.")
    return found


def show(figure: go.Figure, *, key: str, alt: str) -> None:
    """Put a chart on the page in its own colours."""
    st.plotly_chart(figure, theme=None, key=key, config=CONFIG, alt=alt)


def _x(line: Line, along: Along) -> list[Any]:
    if along is Along.STEP:
        return list(line.steps)
    if along is Along.TIME:
        return list(line.times)
    first = next((time for time in line.times if time), None)
    return [(time - first).total_seconds() if time and first else None for time in line.times]


def _shown(value: float, *, log: bool) -> float | None:
    return value if math.isfinite(value) and not (log and value <= 0) else None

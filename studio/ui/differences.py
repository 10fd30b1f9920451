"""The table of what differs between runs, with each metric's distance from a baseline."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from studio.analysis.diff import NAME, SECTION, Section, Verdict, deltas, verdict
from studio.ui import charts
from studio.ui.format import number, short, signed
from studio.ui.theme import PALETTES


def show(table: pd.DataFrame, *, names: Mapping[str, str], baseline: str, key: str) -> None:
    """A part for each section of `diff.facts`; better and worse are words, and colours that repeat them."""
    away = deltas(table, baseline)
    colours = PALETTES[charts.theme()]
    tints = {Verdict.BETTER: f"color: {colours.good}", Verdict.WORSE: f"color: {colours.bad}", Verdict.UNKNOWN: ""}
    for section, rows in table.groupby(SECTION, sort=False):
        st.subheader(str(section), anchor=False)
        verdicts = {
            run: [verdict(name, away.at[at, run]) for at, name in zip(rows.index, rows[NAME], strict=True)]
            for run in names
        }
        cells = {"": [short(name) for name in rows[NAME]]} | {
            head(run, names, baseline=baseline): [
                cell(value, delta, found)
                for value, delta, found in zip(rows[run], away.loc[rows.index, run], verdicts[run], strict=True)
            ]
            for run in names
        }
        styles = [""] * len(rows), *([tints[each] for each in verdicts[run]] for run in names)
        shown = pd.DataFrame(cells)
        side: Any = "right" if section == Section.METRICS else "left"
        config: dict[Any, Any] = {column: st.column_config.TextColumn(alignment=side) for column in shown}
        config[""] = st.column_config.TextColumn(pinned=True)
        styled = shown.style.apply(_styles, axis=None, styles=pd.DataFrame(dict(zip(shown, styles, strict=True))))
        st.dataframe(
            styled, key=f"{key}_{section}", hide_index=True, height="content" if len(rows) <= 30 else 900,
            alt=f"{section} of {len(names)} runs", column_config=config,
        )  # fmt: skip


def head(run: str, names: Mapping[str, str], *, baseline: str) -> str:
    """A column's head."""
    return f"{names[run]} (baseline)" if run == baseline else names[run]


def cell(value: Any, delta: float | None, found: Verdict) -> str:
    """A value; a metric's with its distance from the baseline and whether that is better or worse."""
    if not isinstance(value, float):
        return short(value, longest=300)
    if not delta:
        return number(value)
    return f"{number(value)}  ({' '.join(filter(None, (signed(delta), found.value)))})"


def _styles(_: pd.DataFrame, styles: pd.DataFrame) -> pd.DataFrame:
    return styles

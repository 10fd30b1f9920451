"""The table of runs: 50 rows of one page, sorted in the database, chosen over pages."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import pandas as pd
import streamlit as st

from studio.tracking.columns import Column, Part, Sort
from studio.tracking.records import RunPage, RunRow
from studio.ui import charts
from studio.ui.format import duration, number, short, state
from studio.ui.when import DASH

MOST_CHOSEN = 20
FIXED = {
    "Run": "attributes.run_name",
    "Status": "attributes.status",
    "Started": "attributes.start_time",
    "Duration": "attributes.duration",
    "By": "attributes.user_id",
    "Experiment": "attributes.experiment",
}


def chosen(project: str) -> list[str]:
    """The runs that were chosen in a project, in the order of choosing."""
    return list(st.session_state.get(f"tables_chosen_{project}", ()))


def choose(project: str, run_ids: Sequence[str]) -> None:
    """These runs are the chosen ones; tables that are on the page are drawn anew."""
    st.session_state[f"tables_chosen_{project}"] = list(dict.fromkeys(run_ids))
    st.session_state["tables_drawn"] = st.session_state.get("tables_drawn", 0) + 1


def place(project: str, run_id: str) -> int:
    """The place of a run among the chosen ones, which decides its colour; the first for a run that is not chosen."""
    among = chosen(project)
    return among.index(run_id) if run_id in among else 0


def facts(rows: Sequence[Sequence[Any]], heads: Sequence[str], *, empty: str, key: str) -> None:
    """A small table of texts, or the sentence that says that there is nothing."""
    if not rows:
        st.caption(empty)
        return
    table = pd.DataFrame([[short(cell, longest=2_000) for cell in row] for row in rows], columns=list(heads))
    st.dataframe(table, key=key, hide_index=True, height="content" if len(rows) <= 20 else 720, alt=", ".join(heads))


def names(runs: Sequence[RunRow]) -> dict[str, str]:
    """The runs' names by id; a name that several have is followed by the beginning of the id."""
    all_ = [run.name for run in runs]
    return {run.id: run.name if all_.count(run.name) == 1 else f"{run.name} ({run.id[:6]})" for run in runs}


def merged(before: Sequence[str], *, on_page: Sequence[str], picked: Sequence[str]) -> list[str]:
    """The choice after a page's rows were picked anew: other pages' runs stay, order is kept."""
    kept = [each for each in before if each not in on_page or each in picked]
    return kept + [each for each in picked if each not in kept]


def label(column: Column, columns: Sequence[Column]) -> str:
    """A column's head: its key, with its part where two would read the same."""
    keys = [each.key for each in columns] + list(FIXED)
    return column.key if keys.count(column.key) == 1 else f"{column.key} ({column.part.value})"


def frame(
    rows: Sequence[RunRow], columns: Sequence[Column], *, project: str, places: Mapping[str, int]
) -> pd.DataFrame:
    """A page of runs as a table shows it: sorting is the database's, so every cell is ready to be read."""
    shown = [
        {
            "Colour": charts.dot(places[row.id]) if row.id in places else "",
            "Run": run_link(project, row.id, row.name),
            "Status": f"{state(row.status).mark} {state(row.status).word}",
            "Started": row.started,
            "Duration": duration(row.seconds),
            "By": row.user or DASH,
            "Experiment": row.experiment,
        }
        | {label(column, columns): _cell(row, column) for column in columns}
        for row in rows
    ]
    heads = ["Colour", *FIXED, *(label(column, columns) for column in columns)]
    return pd.DataFrame(shown, columns=heads)


def run_table(page: RunPage, columns: Sequence[Column], *, project: str, sort: Sort, about: str) -> Column | None:
    """
    Draw a page. Picked rows become chosen run ids at once. The answer is the column whose head was clicked, if any.
    """
    ids = [row.id for row in page.rows]
    before = chosen(project)
    seen = "|".join([project, about, str(sort), *map(str, columns), *ids, str(st.session_state.get("tables_drawn", 0))])
    key = f"tables_runs_{hashlib.sha256(seen.encode('utf-8', 'replace')).hexdigest()[:16]}"
    table = frame(page.rows, columns, project=project, places={each: place for place, each in enumerate(before)})
    event: Any = st.dataframe(
        table,
        key=key,
        hide_index=True,
        height="content",
        placeholder=DASH,
        alt=f"Runs, page {page.page} of {page.pages}",
        column_config=_config(columns, sort=sort),
        on_select=_pick,
        selection_mode=["multi-row", "single-column"],
        selection_default={"selection": {"rows": [at for at, each in enumerate(ids) if each in before]}},
    )
    st.session_state["tables_now"] = (key, project, ids)
    clicked = event.selection.columns
    by_head = {label(column, columns): column for column in columns}
    fixed = {head: Column.parse(name) for head, name in FIXED.items()}
    return (by_head | fixed).get(clicked[0]) if clicked else None


def small_table(rows: Sequence[RunRow], *, project: str, key: str) -> None:
    """A few runs with links, nothing to choose."""
    table = frame(rows, (), project=project, places={}).drop(columns="Colour")
    config = _config((), sort=Sort(Column(Part.ATTRIBUTES, "start_time")))
    st.dataframe(table, key=key, hide_index=True, alt="Runs", column_config=config)


def run_link(project: str, run_id: str, name: str) -> str:
    """The address of a run's page; what follows the # is the text that a table shows for it."""
    return f"/run?{urlencode({'project': project, 'run': run_id})}#{quote(short(name, longest=80), safe='')}"


def _pick() -> None:
    key, project, ids = st.session_state.get("tables_now", ("", "", []))
    if key not in st.session_state:
        return
    rows = st.session_state[key]["selection"]["rows"]
    picked = [ids[at] for at in rows if at < len(ids)]
    st.session_state[f"tables_chosen_{project}"] = merged(chosen(project), on_page=ids, picked=picked)


def _config(columns: Sequence[Column], *, sort: Sort) -> dict[str, Any]:
    arrow = " \N{DOWNWARDS ARROW}" if sort.descending else " \N{UPWARDS ARROW}"
    marked = {head: head + arrow for head, name in FIXED.items() if name == str(sort.column)}
    heads = {label(column, columns): column for column in columns}
    config: dict[str, Any] = {
        "Colour": st.column_config.ImageColumn("", width=36, help="The colour of a chosen run on every chart"),
        "Run": st.column_config.LinkColumn(marked.get("Run", "Run"), display_text="#(.*)$", width="medium"),
        "Started": st.column_config.DatetimeColumn(marked.get("Started", "Started"), format="distance"),
    }
    for head in ("Status", "Duration", "By", "Experiment"):
        config[head] = st.column_config.TextColumn(marked.get(head, head))
    for head, column in heads.items():
        text = head + arrow if column == sort.column else head
        side: Any = "right" if column.part is Part.METRICS else None
        config[head] = st.column_config.TextColumn(text, help=str(column), alignment=side)
    return config


def _cell(row: RunRow, column: Column) -> Any:
    if column.part is Part.METRICS:
        return number(row.metrics.get(column.key))
    return short((row.params if column.part is Part.PARAMS else row.tags).get(column.key))

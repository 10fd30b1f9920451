"""Runs side by side: what differs, by how much from a baseline, and how they got there. The link says which runs."""

import streamlit as st

from cerberus.policy import Kind
from studio import guard
from studio.analysis import diff
from studio.ui import charts, curves, differences, format, links, tables
from studio.ui.text import plain

PARTS = ("Difference", "Curves")


def baseline_into_link() -> None:
    """The choice of a baseline is part of the link."""
    guard.require_project()
    st.query_params["baseline"] = st.session_state["compare_baseline"]


def curves_of_the_runs() -> None:
    """The histories of the compared runs; only this part is drawn anew when its controls change."""
    me = guard.require_project()
    runs = guard.reader().runs_in_full(me.project, me.visible(Kind.EXPERIMENT), asked)
    metrics = sorted({key for run in runs for key in run.metrics}, key=str.lower)
    with_steps = [key for key in metrics if any(key in run.last and run.last[key].step > 0 for run in runs)]
    drawn = curves.controls("compare", metrics, first=with_steps or metrics)
    lines = guard.reader().lines(
        me.project, me.visible(Kind.EXPERIMENT), [run.id for run in runs], metrics=drawn.metrics,
        axis=curves.axis(drawn),
    )  # fmt: skip
    curves.grid(lines, drawn, runs=charts.Runs(names, places), page="compare")


me = guard.require_project()
reader, seen = guard.reader(), me.visible(Kind.EXPERIMENT)
linked = [each.strip() for each in st.query_params.get("runs", "").split(",") if each.strip()]
asked = list(dict.fromkeys(linked or tables.chosen(me.project)))

st.title("Compare", anchor=False)
if not asked:
    st.markdown(
        "Tick two or more runs on the page *Runs*, then choose *Compare*: what differs between them stands here."
    )
    links.to_runs(me.project, "Choose runs")
    st.stop()
if len(asked) > tables.MOST_CHOSEN:
    st.warning(f"The first {tables.MOST_CHOSEN} of {len(asked)} runs are compared. Choose fewer to see the others.")
    asked = asked[: tables.MOST_CHOSEN]
runs = reader.runs_in_full(me.project, seen, asked)
if len(runs) < len(asked):
    gone = len(asked) - len(runs)
    st.warning(
        f"{gone} of {len(asked)} runs of this link are not there, or not for you to see.", icon=":material/block:"
    )
if not runs:
    links.to_runs(me.project, "Choose runs")
    st.stop()
if not linked:
    st.query_params["runs"] = ",".join(run.id for run in runs)

names = tables.names(runs)
places = {run.id: place for place, run in enumerate(runs)}
ids = [run.id for run in runs]
if st.session_state.get("compare_baseline") not in ids:
    wanted = st.query_params.get("baseline", ids[0])
    st.session_state["compare_baseline"] = wanted if wanted in ids else ids[0]
for run in runs:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"compare_run_{run.id}"):
        st.image(charts.dot(places[run.id]), width=14)
        links.to_run(me.project, run.id, names[run.id])
        state = format.state(run.status)
        st.caption(f"{state.icon} {state.word} in {plain(run.experiment)}, by {plain(run.user)}")
baseline = st.selectbox(
    "Baseline", ids, key="compare_baseline", format_func=names.__getitem__, on_change=baseline_into_link, width=360
)

different, curved = st.tabs(PARTS, key="compare_part", on_change="rerun", bind="query-params")
if different.open:
    with different:
        everything = diff.facts(runs)
        shown = (
            everything
            if st.toggle("Show everything", key="compare_all", bind="query-params")
            else diff.differing(everything)
        )
        if len(runs) < 2:
            st.info(
                "This is one run only. Tick others on the page Runs to compare it with.", icon=":material/table_rows:"
            )
        elif shown.empty:
            st.info("These runs do not differ in anything that was logged.", icon=":material/equal:")
        differences.show(shown, names=names, baseline=baseline, key="compare_table")
if curved.open:
    with curved:
        st.fragment(curves_of_the_runs)()

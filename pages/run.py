"""One run: what it was given, what it reached, how it got there, and what it left behind."""

import streamlit as st

from cerberus.errors import CerberusError
from cerberus.policy import Kind, Resource, Verb
from studio import guard
from studio.settings import settings
from studio.tracking.artifacts import Artifacts
from studio.tracking.rest import Rest
from studio.tracking.writer import Writer
from studio.ui import artifacts, charts, curves, format, links, notice, tables
from studio.ui.text import plain
from studio.ui.when import ago, minute

PARTS = ("Overview", "Curves", "Artifacts", "Tags")


@st.dialog("Edit the run", icon=":material/edit:")
def edit() -> None:
    """Its name, its note and one tag, as MLflow lets this person."""
    me = guard.require_project()
    run = guard.reader().run(me.project, me.visible(Kind.EXPERIMENT), st.query_params.get("run", ""))
    with st.form("run_edit", border=False):
        name = st.text_input("Name", run.name, max_chars=250)
        note = st.text_area("Note", run.note, max_chars=8000)
        key, value = st.text_input("Tag (optional)", placeholder="team"), st.text_input("Its value")
        if not st.form_submit_button("Save", type="primary"):
            return
    writer = Writer(Rest(settings().mlflow_url, me.mlflow_token(), project=me.project))
    try:
        if name.strip() != run.name:
            writer.rename(run.id, name)
        if note != run.note:
            writer.note(run.id, note)
        if key.strip():
            writer.tag(run.id, key, value=value)
    except CerberusError as error:
        st.error(f"{error.message} {error.hint}")
        return
    notice.later("Saved.")
    st.rerun()


def curves_of_the_run() -> None:
    """The histories; while the run goes on they are read again every few seconds."""
    me = guard.require_project()
    seen = me.visible(Kind.EXPERIMENT)
    run = guard.reader().run(me.project, seen, st.query_params.get("run", ""))
    with_steps = [key for key, last in run.last.items() if last.step > 0]
    drawn = curves.controls("run", [*run.metrics], first=with_steps or [*run.metrics])
    lines = guard.reader().lines(me.project, seen, [run.id], metrics=drawn.metrics, axis=curves.axis(drawn))
    places = {run.id: tables.place(me.project, run.id)}
    curves.grid(lines, drawn, runs=charts.Runs({run.id: run.name}, places), page="run")


me = guard.require_project()
reader, seen = guard.reader(), me.visible(Kind.EXPERIMENT)
if not st.query_params.get("run"):
    st.info("No run is chosen. Open one on the page Runs.", icon=":material/table_rows:")
    links.to_runs(me.project, "Runs")
    st.stop()
run = reader.run(me.project, seen, st.query_params["run"])
state, parent = format.state(run.status), reader.parent(me.project, seen, run)

with st.container(horizontal=True, vertical_alignment="center"):
    st.title(plain(run.name), anchor=False, width="stretch")
    st.badge(state.word, icon=state.icon, color=state.colour)
    may_edit = guard.can(Verb.UPDATE, Resource(me.project, Kind.EXPERIMENT, run.experiment_id))
    if may_edit and st.button("Edit", icon=":material/edit:", key="run_edit_open"):
        edit()
    if others := [each for each in tables.chosen(me.project) if each != run.id]:
        links.to_compare(me.project, [run.id, *others], f"Compare with {len(others)} chosen")
with st.container(horizontal=True):
    links.to_runs(me.project, run.experiment, experiment=run.experiment_id, icon=":material/science:")
    if parent:
        links.to_run(me.project, parent.id, f"part of {parent.name}", icon=":material/account_tree:")
if run.note:
    st.markdown(plain(run.note))
summary = (
    ("By", run.user, None),
    ("Started", ago(run.started), minute(run.started)),
    ("Took", format.duration(run.seconds), f"until {minute(run.ended)}"),
    ("Source", run.source.rpartition("/")[2], f"{run.source} {run.version}".strip() or None),
)
with st.container(horizontal=True, gap="large"):
    for label, value, exact in summary:
        with st.container(width="content", gap=None):
            st.caption(label)
            st.markdown(plain(format.short(value, longest=60)), help=exact)

overview, curved, files, tagged = st.tabs(PARTS, key="run_part", on_change="rerun", bind="query-params")
if overview.open:
    with overview:
        metrics, params = st.columns(2)
        with metrics:
            st.subheader("Metrics", anchor=False)
            last = [(key, format.number(each.value), each.step) for key, each in run.last.items()]
            tables.facts(last, ("Metric", "Last value", "Step"), empty="No metric was logged.", key="run_last")
        with params:
            st.subheader("Parameters", anchor=False)
            given = list(run.params.items())
            tables.facts(given, ("Parameter", "Value"), empty="No parameter was logged.", key="run_params")
        if run.datasets:
            st.subheader("Data", anchor=False)
            used = [(each.name, each.context, each.digest) for each in run.datasets]
            tables.facts(used, ("Dataset", "Used for", "Digest"), empty="", key="run_data")
        if children := reader.children(me.project, seen, run.id):
            st.subheader("Runs that are part of this one", anchor=False)
            tables.small_table(children, project=me.project, key="run_children")
if curved.open:
    with curved:
        st.fragment(curves_of_the_run, run_every=5 if run.status == "RUNNING" else None)()
if files.open:
    with files:
        artifacts.show(Artifacts(Rest(settings().mlflow_url, me.mlflow_token(), project=me.project), run.id), key="run")
if tagged.open:
    with tagged:
        own = [(key, value) for key, value in run.tags.items() if not key.startswith("mlflow.")]
        tables.facts(own, ("Tag", "Value"), empty="No tag was set.", key="run_tags")

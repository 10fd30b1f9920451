"""The experiments of the project: how many runs each has and when the last one started."""

import streamlit as st

from cerberus.policy import Kind, Resource, Verb
from studio import guard
from studio.ui import links, snippets
from studio.ui.format import short
from studio.ui.text import plain
from studio.ui.when import ago, minute

SIZE = 25


def first_page() -> None:
    """Another search begins at its first page."""
    guard.require_project()
    st.session_state["experiments_page"] = 1


me = guard.require_project()
reader, seen = guard.reader(), me.visible(Kind.EXPERIMENT)

st.title("Experiments", anchor=False)
text = st.text_input(
    "Find", key="experiments_find", bind="query-params", placeholder="Part of a name", icon=":material/search:",
    on_change=first_page, max_chars=200, width=360,
)  # fmt: skip
found = reader.experiments(
    me.project, seen, text=text or "", page=st.session_state.get("experiments_page", 1), size=SIZE
)

if not found.total and text:
    st.info(f"No experiment has **{plain(text)}** in its name. Try fewer letters.", icon=":material/search_off:")
    st.stop()
if not found.total:
    st.markdown("Experiments are groups of runs. There is none yet that you can see.")
    if guard.can(Verb.CREATE, Resource(me.project, Kind.EXPERIMENT)):
        st.markdown("Make a token on the page *Account*; these lines make an experiment and log its first run:")
        st.code(snippets.tracking_lines(me.project))
    st.stop()

st.caption(f"{found.total:,} experiment{'s' * (found.total != 1)}, the latest activity first")
with st.container(key="experiments_head"):
    for column, head in zip(st.columns((6, 2, 4), wrap=False), ("Name", "Runs", "Last run"), strict=True):
        column.caption(head)
for experiment in found.rows:
    with st.container(key=f"experiments_row_{experiment.id}"):
        name, runs, latest = st.columns((6, 2, 4), vertical_alignment="center", wrap=False)
        with name:
            links.to_runs(me.project, experiment.name, experiment=experiment.id, icon=":material/science:")
            if experiment.note:
                st.caption(plain(short(experiment.note)))
        runs.markdown(f"{experiment.runs:,}")
        times = f"Last run {minute(experiment.last_run)}; the experiment was made {minute(experiment.created)}"
        latest.markdown(ago(experiment.last_run), help=times)
if found.total > SIZE:
    st.session_state["experiments_page"] = found.page
    st.pagination(-(-found.total // SIZE), key="experiments_page")

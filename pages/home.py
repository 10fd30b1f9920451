"""The project at a glance: how much there is, what ran last, and for a new project the lines that log a first run."""

import streamlit as st

from cerberus.policy import Kind, Resource, Verb
from cerberus.service import RequestState
from studio import guard, nav
from studio.ui import links, snippets
from studio.ui.format import state
from studio.ui.text import plain
from studio.ui.when import ago

NEWEST = 8
MOST_COUNTED = 100

me = guard.require_project()
reader, seen = guard.reader(), me.visible(Kind.EXPERIMENT)
counts = reader.counts(me.project, seen)
models = reader.model_count(me.project, me.visible(Kind.REGISTERED_MODEL))
pages, link = nav.pages(), {nav.PROJECT: me.project}

st.title(plain(me.project_info.name or me.project), anchor=False)
if me.project_info.description:
    st.markdown(plain(me.project_info.description))
with st.container(horizontal=True):
    for role in me.roles() or ("no role of your own",):
        st.badge(plain(role), icon=":material/badge:", color="blue")
    if me.project_info.archived:
        st.badge("archived: read only", icon=":material/inventory_2:", color="orange")

if guard.can(Verb.MANAGE, me.project_resource):
    waiting = guard.cerberus().requests.of_project(me.actor, me.project, state=RequestState.OPEN, limit=MOST_COUNTED)
    if waiting:
        many = "1 request waits" if len(waiting) == 1 else f"{len(waiting)} requests wait"
        label = f"{many} for an answer" if len(waiting) < MOST_COUNTED else "Many requests wait for an answer"
        st.page_link(pages["requests.py"], label=label, icon=":material/approval:", query_params=link)

with st.container(horizontal=True, key="home_counts"):
    st.metric("Experiments", f"{counts.experiments:,}", border=True)
    st.metric("Runs", f"{counts.runs:,}", border=True)
    st.metric("Running", f"{counts.running:,}", border=True)
    st.metric("Failed", f"{counts.failed:,}", border=True)
    st.metric("Models", f"{models:,}", border=True)

if not counts.runs:
    st.subheader("Nothing has run here yet", anchor=False)
    if guard.can(Verb.CREATE, Resource(me.project, Kind.EXPERIMENT)):
        st.markdown("Make a token on the page *Account*, then log a first run from a notebook or a script:")
        st.code(snippets.tracking_lines(me.project))
        st.page_link(pages["account.py"], label="Make a token", icon=":material/key:", query_params=link)
    else:
        st.markdown("You may read this project. Its runs will stand here as soon as somebody logs one.")
    st.stop()

st.subheader("Newest runs", anchor=False)
for run in reader.runs(me.project, seen, size=NEWEST).rows:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"home_run_{run.id}"):
        with st.container(width=240):
            links.to_run(me.project, run.id, run.name or run.id)
        st.badge(state(run.status).word, icon=state(run.status).icon, color=state(run.status).colour, width=110)
        st.caption(f"{plain(run.experiment)} · {ago(run.started)} · {plain(run.user)}", width="stretch")

with st.container(horizontal=True):
    links.to_runs(me.project, "All runs")
    for script in ("experiments.py", "members.py"):
        st.page_link(pages[script], query_params=link)

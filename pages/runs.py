"""The runs of the project or of one experiment: filtered, sorted and counted in the database, chosen over pages."""

import streamlit as st

from cerberus.errors import Invalid
from cerberus.policy import Kind, Resource, Verb
from studio import guard
from studio.tracking.columns import Column, Part, Sort
from studio.tracking.search import EXAMPLE, HELP
from studio.ui import links, snippets, tables
from studio.ui.text import plain

ALL = ""
FIRST_COLUMNS = 4
NEWEST = "descending"
OLDEST = "ascending"


def first_page() -> None:
    """Other runs begin at their first page."""
    guard.require_project()
    st.session_state["runs_page"] = 1


def another_experiment() -> None:
    """The choice stands in the link."""
    guard.require_project()
    st.session_state["runs_page"] = 1
    st.query_params["experiment"] = st.session_state["runs_experiment"]


def clear() -> None:
    """No run is chosen any more."""
    me = guard.require_project()
    tables.choose(me.project, [])


me = guard.require_project()
reader, seen = guard.reader(), me.visible(Kind.EXPERIMENT)
names = reader.experiment_names(me.project, seen)
asked = st.query_params.get("experiment", ALL)
chosen_experiment = reader.experiment(me.project, seen, asked) if asked else None
within = [asked] if asked else None
keys = reader.keys(me.project, seen, experiments=within)
known = [Column(Part.METRICS, key) for key in keys.metrics] + [Column(Part.PARAMS, key) for key in keys.params]
known += [Column(Part.TAGS, key) for key in keys.tags]
by_name = {str(column): column for column in known}
if clicked := st.session_state.pop("runs_clicked", None):
    same = st.session_state.get("runs_sort") == clicked
    was = st.session_state.get("runs_order", NEWEST)
    st.session_state.update(runs_sort=clicked, runs_order=OLDEST if same and was == NEWEST else NEWEST, runs_page=1)

st.title(plain(chosen_experiment.name) if chosen_experiment else "Runs", anchor=False)
if chosen_experiment and chosen_experiment.note:
    st.markdown(plain(chosen_experiment.note))
where, filtering = st.columns((1, 2), vertical_alignment="bottom")
if st.session_state.get("runs_experiment") != asked:
    st.session_state["runs_experiment"] = asked
where.selectbox(
    "Experiment", [ALL, *names], key="runs_experiment", on_change=another_experiment,
    format_func=lambda each: names.get(each, each) if each else "All experiments",
)  # fmt: skip
search = filtering.text_input(
    "Filter", key="runs_filter", bind="query-params", placeholder=EXAMPLE, help=HELP, icon=":material/filter_alt:",
    on_change=first_page,
)  # fmt: skip
with st.container(horizontal=True, vertical_alignment="bottom"):
    sortable = [*tables.FIXED.values(), *by_name]
    sort_by = st.selectbox(
        "Sort by", sortable, index=sortable.index("attributes.start_time"), key="runs_sort", bind="query-params",
        on_change=first_page, width=260,
    )  # fmt: skip
    order = st.segmented_control(
        "Order", [NEWEST, OLDEST], default=NEWEST, required=True, key="runs_order", bind="query-params",
        on_change=first_page,
    )  # fmt: skip
    first = [str(column) for part in (Part.METRICS, Part.PARAMS) for column in known if column.part is part]
    picked = st.multiselect(
        "Columns", list(by_name), default=first[:FIRST_COLUMNS], key="runs_columns", bind="query-params",
        help="What people logged. The columns of the run itself are always there.", width=420,
    )  # fmt: skip

columns = [by_name[name] for name in picked]
sort = Sort(Column.parse(sort_by or "attributes.start_time"), descending=order != OLDEST)
try:
    page = reader.runs(
        me.project, seen, experiments=within, search=search or "", sort=sort, columns=columns,
        page=st.session_state.get("runs_page", 1),
    )  # fmt: skip
except Invalid as error:
    st.error(f"{plain(error.message)} {plain(error.hint)}", icon=":material/filter_alt_off:")
    st.stop()

if not page.total and not search:
    st.subheader("No run yet", anchor=False)
    st.markdown("What your training logs stands here: one row a run, with its parameters and metrics.")
    if guard.can(Verb.CREATE, Resource(me.project, Kind.EXPERIMENT)):
        st.markdown("Make a token on the page *Account*, then log a first run:")
        st.code(snippets.tracking_lines(me.project))
    st.stop()
if not page.total:
    st.info("No run fits this filter. Loosen a condition or choose all experiments.", icon=":material/search_off:")
    st.stop()

chosen = tables.chosen(me.project)
with st.container(horizontal=True, vertical_alignment="center"):
    # From the left: the table's own tools appear over the right.
    help_ = "Tick rows, on as many pages as you like. A click on a head sorts by it, another turns the order."
    st.markdown(f"**{page.total:,}** run{'s' * (page.total != 1)}, {len(chosen)} chosen", width="content", help=help_)
    links.to_compare(me.project, chosen, "Compare", disabled=len(chosen) < 2)
    if len(chosen) == 1:
        links.to_run(me.project, chosen[0], "Open")
    st.button("Clear", key="runs_clear", type="tertiary", on_click=clear, disabled=not chosen)
if head := tables.run_table(page, columns, project=me.project, sort=sort, about=f"{asked}|{search}|{page.page}"):
    st.session_state["runs_clicked"] = str(head)
    st.rerun()
if page.pages > 1:
    st.session_state["runs_page"] = page.page
    st.pagination(page.pages, key="runs_page")

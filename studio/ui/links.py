"""Links to pages that open the same for whoever may see what they show."""

from collections.abc import Mapping, Sequence

import streamlit as st

from studio import nav
from studio.ui.text import plain


def to_run(project: str, run_id: str, name: str, *, icon: str = ":material/play_arrow:") -> None:
    """A link to one run."""
    _link("run.py", name, icon=icon, query={nav.PROJECT: project, "run": run_id})


def to_runs(project: str, name: str, *, experiment: str = "", icon: str = ":material/table_rows:") -> None:
    """A link to the runs of an experiment, or of all."""
    query = {nav.PROJECT: project} | ({"experiment": experiment} if experiment else {})
    _link("runs.py", name, icon=icon, query=query)


def to_compare(project: str, run_ids: Sequence[str], name: str, *, disabled: bool = False) -> None:
    """A link to the comparison of some runs."""
    query = {nav.PROJECT: project, "runs": ",".join(run_ids)}
    _link("compare.py", name, icon=":material/compare_arrows:", query=query, disabled=disabled)


def _link(script: str, name: str, *, icon: str, query: Mapping[str, str], disabled: bool = False) -> None:
    st.page_link(nav.pages()[script], label=plain(name), icon=icon, query_params=dict(query), disabled=disabled)

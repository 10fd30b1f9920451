"""Lines of the audit as a table and one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from cerberus.service import AuditLine
from studio.ui.when import DASH, zone

HEADS = ("When", "Who", "Action", "Target", "Project", "Outcome", "From")
OUTSIDE = "none: refusals and looks stand outside the chain"


def table(lines: Sequence[AuditLine], *, key: str) -> AuditLine | None:
    """The lines, newest first; the one that is chosen, if one is."""
    here = zone()
    cells = [
        (it.at.astimezone(here), _who(it), it.action, it.target, it.project or DASH, it.outcome, it.address)
        for it in lines
    ]
    event: Any = st.dataframe(
        pd.DataFrame(cells, columns=list(HEADS)), key=key, hide_index=True, on_select="rerun",
        selection_mode="single-row", height="content" if len(lines) <= 20 else 720, alt=", ".join(HEADS),
        column_config={"When": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss")},
    )  # fmt: skip
    picked = [row for row in event.selection.rows if row < len(lines)]
    return lines[picked[0]] if picked else None


def details(line: AuditLine) -> None:
    """What the table has no room for."""
    st.subheader(f"Line {line.id}", anchor=False)
    before, after = st.columns(2)
    _values(before, "Before", line.before)
    _values(after, "After", line.after)
    for name, text in (("Request", line.request_id), ("Client", line.client), ("Hash", line.hash or OUTSIDE)):
        st.text(f"{name}: {text or DASH}")


def _who(line: AuditLine) -> str:
    return f"{line.who} for {line.on_behalf_of}" if line.on_behalf_of else line.who


def _values(place: Any, title: str, values: Mapping[str, Any] | None) -> None:
    with place:
        st.caption(title)
        if values:
            st.json(dict(values))
        else:
            st.text(DASH)

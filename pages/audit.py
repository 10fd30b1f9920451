"""What happened, by whom: search it, read a line, take it away, and for those who oversee everything verify it."""

from functools import partial

import streamlit as st

from cerberus.errors import CerberusError, Unavailable
from cerberus.policy import Verb
from cerberus.service import AuditLine, FileFormat, written
from studio import guard, nav
from studio.ui import audit
from studio.ui.when import begin_of, end_of, minute

AT_ONCE = 100
MOST = 1_000
OUTCOMES = {"All": None, "ok": "ok", "denied": "denied"}
FORMATS = {FileFormat.CSV: ("CSV", "text/csv"), FileFormat.JSONL: ("JSON lines", "application/jsonl")}
EVERYWHERE = "Every project, and what belongs to none"


def searched(project: str | None, most: int) -> list[AuditLine]:
    """The newest lines that have all that is asked for. The same question is not asked, nor noted, at every click."""
    wanted = {"who": who, "action": action, "target": target}
    asked = {name: text.strip() for name, text in wanted.items() if text and text.strip()}
    asked |= {"project": project, "outcome": OUTCOMES[outcome or "All"], "limit": most}
    asked |= {"since": begin_of(since), "until": end_of(until)}
    if st.session_state.get("audit_asked") != asked:
        st.session_state["audit_found"] = guard.cerberus().audit.search(me.actor, **asked)
        st.session_state["audit_asked"] = asked
        # Among new lines none is chosen.
        st.session_state["audit_times"] = st.session_state.get("audit_times", 0) + 1
    return st.session_state["audit_found"]


def refresh() -> None:
    """The question is asked anew."""
    guard.require_user()
    st.session_state.pop("audit_asked", None)


def file_of(lines: list[AuditLine], kind: FileFormat) -> str:
    """The lines that are shown, as a file: made when it is asked for."""
    return "".join(written(lines, kind))


def verify() -> None:
    """Walk the chain, which takes a while where it is long."""
    with st.spinner("Walking the chain …"):
        seen = guard.cerberus().audit.examine()
    if seen.broken is not None:
        st.error(f"**The chain is broken.** {seen.broken}", icon=":material/link_off:")
        return
    trimmed = f" Older lines were removed on {minute(seen.trimmed_at)}." if seen.trimmed_at else ""
    st.success(f"**The chain holds**: {seen.lines:,} lines, back to {minute(seen.since)}.{trimmed} The newest hash is "
               f"`{seen.head}`: note it where nobody with access to the database can change it.",
               icon=":material/link:")


me = guard.require_user()
if not me.access.oversees:
    guard.require(Verb.MANAGE, guard.require_project().project_resource)
here = next((info.slug for info in me.access.projects if info.slug == st.query_params.get(nav.PROJECT)), None)

with st.container(horizontal=True, vertical_alignment="bottom"):
    st.title("Audit", width="stretch", anchor=False)
    asks_to_verify = me.access.oversees and st.button("Verify the chain", icon=":material/link:", key="audit_verify")
if asks_to_verify:
    verify()
if me.access.oversees and here and st.toggle(EVERYWHERE, key="audit_everywhere", bind="query-params"):
    here = None
with st.container(horizontal=True, vertical_alignment="bottom", key="audit_search"):
    who = st.text_input("Who", key="audit_who", bind="query-params", max_chars=64, width=160, placeholder="alice")
    action = st.text_input("Action", key="audit_action", bind="query-params", max_chars=64, width=200,
                           placeholder="grant. or grant.give", help="With a dot at its end: all that begin so.")
    target = st.text_input("Target", key="audit_target", bind="query-params", max_chars=400, width=220,
                           placeholder="user:dana, experiment:7")
    since = st.date_input("From", value=None, key="audit_since", width=150)
    until = st.date_input("To", value=None, key="audit_until", width=150)
    st.button("", icon=":material/refresh:", key="audit_refresh", help="Ask anew", on_click=refresh)
    outcome = st.segmented_control("Outcome", list(OUTCOMES), default="All", required=True, key="audit_outcome",
                                   bind="query-params")
most = st.session_state.setdefault("audit_most", AT_ONCE)
try:
    lines = searched(here, most)
except Unavailable:
    raise
except CerberusError as error:
    st.warning(f"{error.message} {error.hint}", icon=":material/block:")
    st.stop()
if not lines:
    st.info("No line has all of this. Take something away from the search.", icon=":material/search_off:")
    st.stop()
chosen = audit.table(lines, key=f"audit_lines_{st.session_state['audit_times']}")
with st.container(horizontal=True, vertical_alignment="center"):
    full = len(lines) == most
    st.caption(f"The newest {len(lines):,} lines." if full else f"{len(lines):,} lines.", width="stretch")
    if full and most < MOST and st.button("Show more", key="audit_more", icon=":material/expand_more:"):
        st.session_state["audit_most"] = MOST
        st.rerun()
    for kind, (name, media) in FORMATS.items():
        st.download_button(name, partial(file_of, lines, kind), file_name=f"audit.{kind}", mime=media,
                           key=f"audit_{kind}", icon=":material/download:", on_click="ignore")
if chosen is not None:
    audit.details(chosen)

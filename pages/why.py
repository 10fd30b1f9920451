"""Why somebody may or may not do something, what it would take, and who else may."""

import streamlit as st

from cerberus.errors import CerberusError, Unavailable
from cerberus.policy import ANY, Kind, Resource, Verb
from cerberus.service import Reaching
from studio import guard
from studio.ui import reasons, tables
from studio.ui.text import plain

AT_ONCE = 50
HINTS = {
    Kind.EXPERIMENT: "Number or name; empty: all",
    Kind.PROJECT: "The project itself",
}


def resource() -> Resource:
    """What is asked about; an experiment may be named."""
    if kind is Kind.PROJECT:
        return Resource(me.project, kind, me.project)
    wanted = (text or "").strip() or ANY
    if kind is Kind.EXPERIMENT and wanted != ANY and not wanted.isdecimal():
        names = guard.reader().experiment_names(me.project, me.visible(kind))
        wanted = next((key for key, name in names.items() if name == wanted), wanted)
    return Resource(me.project, kind, wanted)


def answer(about: Resource, who: str) -> None:
    """Yes or no, each rule that took part, and what a yes would take."""
    try:
        told = guard.cerberus().questions.explain(me.actor, verb, about, subject=who)
    except Unavailable:
        raise
    except CerberusError as error:
        st.warning(f"{error.message} {error.hint}", icon=":material/block:")
        return
    decision, what = told.decision, f"{plain(told.subject)} may{{}} {verb} {plain(reasons.thing(about))}"
    if decision.allowed:
        st.success(f"**Yes.** {what.format('')}: {decision.reason}.", icon=":material/check_circle:")
    else:
        why = "it does not exist, or you may not see it" if told.hidden else decision.reason
        st.error(f"**No.** {what.format(' not')}: {why}.", icon=":material/cancel:")
    tables.facts(reasons.rows(decision), reasons.HEADS, empty="No rule speaks of it.", key="why_rules")
    for line in reasons.lacking(told.needed, about):
        st.markdown(f":material/arrow_forward: {line}")


def others(about: Resource) -> None:
    """Everybody who may do it, by name, with the rules that decide."""
    most = st.session_state.setdefault("why_most", AT_ONCE)
    found = guard.cerberus().questions.who_can(me.actor, verb, about, limit=most)
    st.subheader(f"Who may {verb} {plain(reasons.thing(about))}", anchor=False)
    tables.facts([_row(each) for each in found.items], ("Name", "Kind", "Why"), empty="Nobody.", key="why_others")
    if found.next and most < 1_000 and st.button("Show more", key="why_more", icon=":material/expand_more:"):
        st.session_state["why_most"] = min(2 * most, 1_000)
        st.rerun()


def _row(each: Reaching) -> tuple[str, str, str]:
    name = f"{each.name} ({each.display_name})" if each.display_name else each.name
    return name, each.kind.replace("_", " "), reasons.because(each.decision)


me = guard.require_project()
asks_about_others = guard.can(Verb.MANAGE, me.project_resource)

st.title("Why?", anchor=False)
st.caption("Who may do what here, through which rules, and what would have to change. "
           + ("" if asks_about_others else "You can ask about yourself; maintainers about everybody."))
with st.container(horizontal=True, vertical_alignment="bottom", key="why_question"):
    asked = me.principal.name
    if asks_about_others:
        asked = st.text_input("Who", value=asked, key="why_who", bind="query-params", max_chars=64, width=220,
                              help="A user name, or that of a service account.")
    verb = st.selectbox("May", list(Verb), key="why_verb", bind="query-params", width=140)
    kind = st.selectbox("What", list(Kind), key="why_kind", bind="query-params", width=240,
                        format_func=lambda kind: kind.replace("_", " "))
    text = st.text_input("Which one", key="why_id", bind="query-params", max_chars=256, width=280,
                         placeholder=HINTS.get(kind, "Name; empty: all"), disabled=kind is Kind.PROJECT)
about = resource()
answer(about, asked.strip() or me.principal.name)
if asks_about_others:
    others(about)

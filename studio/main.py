"""The entry of every full run: who is it, then the sidebar, then the page of the link."""

from __future__ import annotations

import streamlit as st

from cerberus.errors import CerberusError
from studio import nav, screens, session
from studio.ui import notice
from studio.ui.theme import TAB_ICON, style

st.set_page_config(page_title="ML Studio", page_icon=TAB_ICON, layout="wide")
st.html(style(st.context.theme.type))
known = nav.pages()
# Before the gate: a link to a page is still that page after the sign-in.
page = st.navigation(list(known.values()), position="hidden")
try:
    access = session.resume().access
except CerberusError as error:
    screens.instead(error)
    st.stop()
nav.sidebar(access, known)
notice.show()
page.run()

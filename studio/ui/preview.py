"""An artifact as a page shows it. Nothing of its content is run: HTML and SVG are shown as text."""

import plotly.graph_objects as go
import streamlit as st

from studio.tracking.artifacts import Look, Preview
from studio.ui import charts

LANGUAGES = {
    ".py": "python", ".md": "markdown", ".yaml": "yaml", ".yml": "yaml", ".html": "html", ".xml": "xml", ".svg": "xml",
    ".sql": "sql", ".sh": "bash", ".toml": "toml", ".css": "css", ".js": "javascript",
}  # fmt: skip


def show(preview: Preview, path: str, *, key: str) -> None:
    """The content in the way that fits it, and what was left out."""
    name = path.rpartition("/")[2]
    if preview.look is Look.IMAGE:
        st.image(preview.content, alt=name)
    elif preview.look is Look.TABLE:
        st.dataframe(preview.content, key=f"{key}_table", hide_index=True, alt=name)
    elif preview.look is Look.FIGURE:
        _figure(preview, key=key, alt=name)
    elif preview.look is Look.JSON:
        st.json(preview.content, expanded=2)
    elif preview.look is Look.TEXT:
        suffix = name[name.rfind(".") :] if "." in name else ""
        st.code(
            preview.content, language=LANGUAGES.get(suffix), height=480 if len(preview.content) > 2_000 else "content"
        )
    if preview.note:
        st.caption(preview.note)


def _figure(preview: Preview, *, key: str, alt: str) -> None:
    """A plotly figure in the Studio's colours; one that this plotly does not know is shown as the JSON that it is."""
    try:
        figure = go.Figure(data=preview.content["data"], layout=preview.content["layout"])
    except (ValueError, TypeError, KeyError):
        st.caption("This figure was made by a plotly whose format is not known here, so its JSON is shown.")
        st.json(preview.content, expanded=1)
        return
    figure.update_layout(template=charts.template(charts.theme()))
    charts.show(figure, key=f"{key}_figure", alt=alt)

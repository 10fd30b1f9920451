"""The artifacts of a run: a folder's entries beside what is in the chosen file."""

from functools import partial
from pathlib import PurePosixPath

import streamlit as st

from cerberus.errors import CerberusError
from studio.tracking.artifacts import MAX_DOWNLOAD, Artifacts, Entry
from studio.ui import preview
from studio.ui.format import size
from studio.ui.text import plain

CHOSEN = "artifact"
ICONS = {True: ":material/folder:", False: ":material/draft:"}


def show(artifacts: Artifacts, *, key: str) -> None:
    """The chosen file or folder stands in the link as `?artifact=`."""
    path = st.query_params.get(CHOSEN, "")
    left, right = st.columns((2, 5))
    try:
        chosen = artifacts.entry(path) if path else None
        folder = path if chosen and chosen.is_folder else _parent(path)
        with left:
            _folder(artifacts.list(folder), folder, key=key, chosen=path)
        with right:
            _file(artifacts, chosen, key=key)
    except CerberusError as error:
        st.error(f"{plain(error.message)} {plain(error.hint)}", icon=":material/folder_off:")


def _folder(entries: tuple[Entry, ...], folder: str, *, key: str, chosen: str) -> None:
    if folder:
        st.caption(plain(folder))
        st.button("Up", key=f"{key}_up", icon=":material/arrow_upward:", type="tertiary", on_click=_choose,
                  args=(_parent(folder),))  # fmt: skip
    if not entries and not folder:
        st.markdown("This run left no files. `mlflow.log_artifact`, `log_figure` and `log_table` make some.")
    for entry in entries:
        name = plain(entry.name) + ("" if entry.is_folder else f" :gray[{size(entry.size)}]")
        st.button(name, key=f"{key}_entry_{entry.path}", icon=ICONS[entry.is_folder],
                  type="secondary" if entry.path == chosen else "tertiary", on_click=_choose,
                  args=(entry.path,))  # fmt: skip


def _file(artifacts: Artifacts, entry: Entry | None, *, key: str) -> None:
    if entry is None or entry.is_folder:
        st.caption("Choose a file to look at it.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(entry.name)}**", width="stretch")
        if entry.size <= MAX_DOWNLOAD:
            st.download_button("Download", partial(artifacts.read, entry.path), entry.name, key=f"{key}_download",
                               icon=":material/download:", type="tertiary", on_click="ignore")  # fmt: skip
    with st.spinner("Fetching the file"):
        shown = artifacts.preview(entry)
    preview.show(shown, entry.path, key=key)


def _choose(path: str) -> None:
    if path:
        st.query_params[CHOSEN] = path
    else:
        st.query_params.pop(CHOSEN, None)


def _parent(path: str) -> str:
    parent = str(PurePosixPath(path).parent)
    return "" if parent == "." else parent

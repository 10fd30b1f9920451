"""Artifacts of runs, listed and fetched through MLflow as the signed-in person, and made ready to be looked at."""

import io
import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
from PIL import Image, UnidentifiedImageError

from cerberus.errors import Invalid, NotFound
from studio.tracking.rest import Rest

MAX_PREVIEW = 10_000_000
MAX_DOWNLOAD = 200_000_000
MAX_PIXELS = 40_000_000
MAX_ROWS, MAX_COLUMNS, MAX_CHARACTERS, MAX_ENTRIES = 1_000, 100, 100_000, 1_000
IMAGES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp"}
TABLES = {".csv": ",", ".tsv": "\t"}
TEXTS = frozenset(
    {".txt", ".log", ".md", ".rst", ".xml", ".html", ".htm", ".svg", ".css", ".js", ".py", ".r", ".sh", ".sql"}
    | {".yaml", ".yml", ".toml", ".cfg", ".ini", ".env", ".lock"}
)
NAMES = {"MLmodel", "requirements.txt", "Dockerfile", "README"}


class Look(StrEnum):
    """How a preview is shown."""

    IMAGE = "image"
    TABLE = "table"
    FIGURE = "figure"
    JSON = "json"
    TEXT = "text"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder among a run's artifacts."""

    path: str
    is_folder: bool
    size: int

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True)
class Preview:
    """What can be shown of a file. `note` says what was left out, or why nothing is shown."""

    look: Look
    content: Any = field(default=None, repr=False)
    note: str = ""


class Artifacts:
    """
    The artifacts of one run.
    """

    def __init__(self, rest: Rest, run_id: str) -> None:
        self._rest, self._run_id = rest, run_id

    def list(self, folder: str = "") -> tuple[Entry, ...]:
        """
        What is in a folder: folders first, then files, by name; at most a thousand.
        """
        query = {"run_id": self._run_id} | ({"path": _safe(folder)} if folder else {})
        files = self._rest.get("/api/2.0/mlflow/artifacts/list", query).get("files", [])
        entries = [Entry(each["path"], bool(each.get("is_dir")), int(each.get("file_size") or 0)) for each in files]
        ordered = sorted(entries, key=lambda entry: (not entry.is_folder, entry.name.lower()))
        return tuple(ordered[:MAX_ENTRIES])

    def entry(self, path: str) -> Entry:
        """
        The file or folder at a path, or NotFound.
        """
        folder = str(PurePosixPath(_safe(path)).parent)
        for entry in self.list("" if folder == "." else folder):
            if entry.path == path:
                return entry
        raise NotFound(f"This run has no artifact {path!r}.", hint="Choose one in the list.")

    def read(self, path: str, *, limit: int = MAX_DOWNLOAD) -> bytes:
        """
        A file's bytes; Invalid when there are more than `limit`.
        """
        return self._rest.read("/get-artifact", {"run_id": self._run_id, "path": _safe(path)}, limit=limit)

    def preview(self, entry: Entry) -> Preview:
        """
        What can be shown of a file. A file that is too large or of no known kind is not fetched.
        """
        if kind_of(entry.path) is Look.NONE:
            return Preview(Look.NONE, note="There is no preview of this kind of file.")
        if entry.size > MAX_PREVIEW:
            return Preview(Look.NONE, note=f"Too large for a preview (more than {MAX_PREVIEW // 1_000_000} MB).")
        return preview_of(entry.path, self.read(entry.path, limit=MAX_PREVIEW))


def kind_of(path: str) -> Look:
    """
    How a file would be shown, by its name.
    """
    name, suffix = PurePosixPath(path).name, PurePosixPath(path).suffix.lower()
    if suffix in IMAGES:
        return Look.IMAGE
    if suffix in TABLES:
        return Look.TABLE
    if suffix == ".json":
        return Look.JSON
    return Look.TEXT if suffix in TEXTS or name in NAMES else Look.NONE


def preview_of(path: str, content: bytes) -> Preview:
    """
    What can be shown of these bytes. Content that is not what its name says is shown as text, with a note.
    """
    kind = kind_of(path)
    try:
        if kind is Look.IMAGE:
            return _image(content)
        if kind is Look.TABLE:
            return _csv(content, TABLES[PurePosixPath(path).suffix.lower()])
        if kind is Look.JSON:
            return _json(content)
    except (ValueError, RecursionError, OSError) as error:
        if kind is Look.IMAGE:
            return Preview(Look.NONE, note="This file is not a readable image.")
        shown = _text(content)
        return Preview(shown.look, shown.content, f"Not readable as {kind}: {str(error)[:120]}. {shown.note}".strip())
    return _text(content)


def _safe(path: str) -> str:
    if ".." in PurePosixPath(path).parts or path.startswith("/") or "\x00" in path or "\\" in path:
        raise Invalid("This is no artifact's path.", field="path", hint="Choose an artifact in the list.")
    return path


def _image(content: bytes) -> Preview:
    try:
        with Image.open(io.BytesIO(content)) as image:  # reads the header only
            width, height = image.size
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ValueError("no image") from error
    if width * height > MAX_PIXELS:
        return Preview(Look.NONE, note=f"Too large for a preview ({width:,} by {height:,} pixels).")
    return Preview(Look.IMAGE, content)


def _csv(content: bytes, separator: str) -> Preview:
    if not content.strip():
        return Preview(Look.TEXT, "", note="This file is empty.")
    text = content.decode("utf-8-sig", "replace")
    table = pd.read_csv(io.StringIO(text), sep=separator, nrows=MAX_ROWS + 1, low_memory=False)
    return _table(table)


def _table(table: pd.DataFrame) -> Preview:
    cut = [f"the first {MAX_ROWS:,} rows"] * (len(table) > MAX_ROWS)
    cut += [f"the first {MAX_COLUMNS} of {table.shape[1]:,} columns"] * (table.shape[1] > MAX_COLUMNS)
    shown = table.iloc[:MAX_ROWS, :MAX_COLUMNS]
    return Preview(Look.TABLE, shown, note=f"Shown: {', '.join(cut)}." if cut else "")


def _json(content: bytes) -> Preview:
    value = json.loads(content.decode("utf-8-sig"))
    if isinstance(value, dict) and isinstance(value.get("data"), list):
        if isinstance(value.get("columns"), list):  # mlflow.log_table
            return _table(pd.DataFrame(value["data"], columns=[str(name) for name in value["columns"]]))
        if isinstance(value.get("layout"), dict):
            return Preview(Look.FIGURE, {"data": value["data"], "layout": value["layout"]})
    if isinstance(value, dict | list):
        return Preview(Look.JSON, value)
    return Preview(Look.TEXT, str(value))


def _text(content: bytes) -> Preview:
    if b"\x00" in content[:4_096]:
        return Preview(Look.NONE, note="This file is not text.")
    text = content.decode("utf-8-sig", "replace")
    if len(text) <= MAX_CHARACTERS:
        return Preview(Look.TEXT, text)
    return Preview(Look.TEXT, text[:MAX_CHARACTERS], note=f"The first {MAX_CHARACTERS:,} characters are shown.")

"""Studio's server: `streamlit run studio/app.py` from the repository's root."""

from __future__ import annotations

import gc
import importlib
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from cerberus.errors import CerberusError
from studio import log, screens, session, sign_on
from studio.gate import Gate
from studio.routes import ROUTES

HEAVY = ("pandas", "plotly.graph_objects", "mlflow")


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
    """Serve at once and load the slow libraries meanwhile."""
    log.start()
    threading.Thread(target=_load, name="studio-load", daemon=True).start()
    log.event("started")
    yield {}
    log.event("stopped")


def _load() -> None:
    """Import what the first page would otherwise wait for, then let the collector pass over it for good."""
    for name in HEAVY:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    log.event("loaded")


def refuse_wrong_settings() -> None:
    """End the process with one sentence when Cerberus' settings, or a file that they name, are not understood."""
    try:
        session.cerberus()
    except CerberusError as error:
        sys.exit(f"Studio cannot start: {error.message}")


refuse_wrong_settings()
app = st.App(
    Path(__file__).parent / "main.py",
    lifespan=lifespan,
    routes=(*ROUTES, *sign_on.ROUTES),
    middleware=[Middleware(Gate)],
    on_script_error=screens.failed,
)

if __name__ == "__main__":
    app.run()

"""`make run`: check, prepare, start, say how to sign in."""

import os

from cerberus.settings import Settings as CerberusSettings
from studio.local.databases import prepare
from studio.local.environment import settings
from studio.local.layout import Layout, claim
from studio.local.people import ADMIN, password_of
from studio.local.ports import ports_of, require_free
from studio.local.services import services
from studio.local.supervisor import Supervisor
from studio.settings import Settings as StudioSettings

READY = """
  ML Studio is ready.

    Studio    {studio}   for people
    MLflow    {mlflow}   MLFLOW_TRACKING_URI for notebooks and scripts
    Cerberus  {cerberus}   who may do what, as an API

    {sign_in}

  Logs: {logs}   Stop: Ctrl-C
"""
FIRST_TIME = """Sign in as {name} with the password {password}
    (shown this once; it stays, with those of the demo's people, in {file})"""
LATER = "Sign in as {name}, or as one of the people in {file}"


def run() -> int:
    """
    Blocks until ML Studio has ended. Problem, with nothing half-made, when it cannot start.
    """
    os.umask(0o077)  # what we and the applications make is for our user alone
    cerberus, studio = settings()
    layout = Layout(cerberus.data)
    ports = ports_of(cerberus, studio)
    require_free(ports)
    with claim(layout):
        first = password_of(layout.sign_in, ADMIN) is None
        print(f"Preparing the databases in {layout.data}", flush=True)
        prepare(layout, cerberus, studio)
        print("Starting Cerberus, MLflow and Studio", flush=True)
        banner = _banner(layout, cerberus, studio, FIRST_TIME if first else LATER)
        os.environ["STUDIO_MLFLOW_URL"] = f"http://127.0.0.1:{ports.mlflow}"
        started = services(layout, studio, ports)
        return Supervisor(started, layout, lambda running: _ready(running, layout, banner)).run()


def _banner(layout: Layout, cerberus: CerberusSettings, studio: StudioSettings, sign_in: str) -> str:
    password = password_of(layout.sign_in, ADMIN)
    return READY.format(
        studio=studio.public_url,
        mlflow=studio.mlflow_public_url,
        cerberus=cerberus.cerberus_public_url,
        sign_in=sign_in.format(name=ADMIN, password=password, file=layout.sign_in),
        logs=layout.logs,
    )


def _ready(running: Supervisor, layout: Layout, banner: str) -> None:
    running.output.say(banner)
    if layout.demo_done.exists():
        return
    running.output.say("  Training demo runs (about a minute; you can sign in meanwhile)\n")
    if running.call("-m", "studio.local", "demo") == 0:
        running.output.say(banner)

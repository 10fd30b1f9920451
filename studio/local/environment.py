"""The settings of both halves, from the environment and from `.env`."""

import os
from pathlib import Path

from dotenv import dotenv_values

from cerberus.errors import CerberusError
from cerberus.service import Cerberus
from cerberus.settings import Settings as CerberusSettings
from cerberus.settings import configured, secrets_dir
from studio.local.layout import ROOT
from studio.local.problem import Problem
from studio.settings import Settings as StudioSettings


def settings() -> tuple[CerberusSettings, StudioSettings]:
    """
    From the environment and from `.env`, of which the environment wins; handed on to all that we start.
    """
    for name, value in variables_in(ROOT / ".env").items():
        os.environ.setdefault(name, value)
    try:
        cerberus = configured()
        Cerberus.open(cerberus).close()  # connects to nothing, but reads what the settings name
    except CerberusError as error:
        raise Problem(error.message) from None
    os.environ["MLSTUDIO_DATA"] = str(cerberus.data)
    return cerberus, StudioSettings(_secrets_dir=secrets_dir())


def variables_in(path: Path) -> dict[str, str]:
    """
    The variables that a file of KEY=value lines sets; none where there is no file.
    """
    return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value is not None}

"""A virtual environment for each version of the client, under `.clients`, made once."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BESIDE = ("scikit-learn", "xgboost", "lightgbm", "optuna", "optuna-integration", "mlflow-export-import", "matplotlib")
NEEDED = ("tabulate", "setuptools")
"""What mlflow-export-import, and MLflow 2, import without asking for it."""
OF_THEIR_TIME = {"3.1.4": ("opentelemetry-sdk<1.31",), "2.22.5": ("opentelemetry-sdk<1.31",)}
"""With later releases of OpenTelemetry, which their requirements allow, these clients log traces without spans, to
MLflow's plain server, too."""


def python_of(version: str) -> Path:
    """The Python of an environment with that version of MLflow and everything that the steps use."""
    venv = ROOT / ".clients" / version
    python = venv / "bin" / "python"
    if not (venv / ".ready").exists():
        shutil.rmtree(venv, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(venv)])
        wanted = [f"mlflow=={version}", *BESIDE, *NEEDED, *OF_THEIR_TIME.get(version, ())]
        uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "-q", "--python", str(python)]
        pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        if subprocess.run([*uv, *wanted], capture_output=True, check=False).returncode:
            _run([*pip, *wanted])
        (venv / ".ready").touch()
    return python


def installed(python: Path, names: tuple[str, ...]) -> dict[str, str]:
    """The versions that an environment has."""
    say = "import sys, importlib.metadata as m; print(*(m.version(each) for each in sys.argv[1:]))"
    said = subprocess.run([str(python), "-c", say, *names], capture_output=True, text=True, check=True).stdout
    return dict(zip(names, said.split(), strict=True))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{(done.stdout + done.stderr)[-2000:]}")

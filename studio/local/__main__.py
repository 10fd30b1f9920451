"""`python -m studio.local run | demo | prepare | serve NAME`."""

import argparse
import os
import sys

from studio.local.layout import Layout
from studio.local.problem import Problem


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m studio.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="prepare and start everything on this machine")
    commands.add_parser("demo", help="fill the running ML Studio with demo data")
    commands.add_parser("prepare", help="make and upgrade both databases, and the first admin")
    serve = commands.add_parser("serve", help="be one of the applications, on every address (in a container)")
    serve.add_argument("name", choices=("cerberus", "mlflow", "studio"))
    chosen = parser.parse_args()
    try:
        return _do(chosen)
    except Problem as problem:
        print(f"ML Studio cannot do this: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _do(chosen: argparse.Namespace) -> int:
    if chosen.command == "run":
        from studio.local.run import run

        return run()
    if chosen.command == "demo":
        from studio.local.demo.demo import demo

        return demo()
    if chosen.command == "serve":
        return _serve(chosen.name)
    from studio.local.databases import prepare
    from studio.local.environment import settings

    cerberus, studio = settings()
    prepare(Layout(cerberus.data), cerberus, studio)
    return 0


def _serve(name: str) -> int:
    """
    Becomes the application: its signals and its exit code are the container's.
    """
    from studio.local.environment import settings
    from studio.local.ports import Ports
    from studio.local.services import service

    cerberus, studio = settings()
    it = service(name, Layout(cerberus.data), studio, Ports(5000, 5050, 3000), host="0.0.0.0")  # noqa: S104
    os.execve(it.command[0], it.command, dict(it.environment))  # noqa: S606


if __name__ == "__main__":
    sys.exit(main())

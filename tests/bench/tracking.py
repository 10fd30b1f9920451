"""`make bench`, second half: what access control costs MLflow's server, in requests a second beside the plain one.

    python tests/bench/tracking.py [--quick] [--markdown] [--only plain,ours] [--rows "get run" "search"]
    python tests/bench/tracking.py --profile "get run"

PostgreSQL, one worker a server, connections kept open, the same data in every server's database. All servers are asked
in turns, in another order each round, so that the machine's moods hit them alike; a ratio is the median of those to the
plain server's rate in the same round. The peers, which are far from it, take part in three rounds only.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import tracking_data
from generator import Generator
from peer_venv import LeftOut
from tracking_data import Content
from tracking_fill import fill, problems
from tracking_measure import Pace, measured, note
from tracking_peers import basic_auth, oidc_auth
from tracking_rows import ROWS, Filled
from tracking_servers import TrackingServer, ours, plain
from tracking_statements import statements, statements_beyond
from tracking_table import Line, short_of, table
from where_time_goes import where_time_goes

SERVERS: dict[str, Callable[[Path, str, Content], AbstractContextManager[Sequence[TrackingServer]]]] = {
    "plain": plain,
    "ours": ours,
    "basic-auth": basic_auth,
    "oidc-auth": oidc_auth,
}
QUICK = Pace(seconds=0.4, rounds=3, peer_rounds=1, most_clients=1)


def main() -> None:
    """
    Starts everything, fills it, measures, prints, and takes it away again.
    """
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that what was started is ended too
    rows = [row for row in ROWS if any(part in row.name for part in options.rows)]
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        filled = _filled(stack, Path(directory), options.only.split(","))
        generator = stack.enter_context(Generator())
        if options.profile:
            for row in (row for row in ROWS if row.name.startswith(options.profile)):
                print(where_time_goes(row, filled, generator, seconds=options.seconds * 10))
                print(statements_beyond(row, filled))
            return
        _say_where(filled)
        pace = QUICK if options.quick else Pace(options.seconds, options.rounds)
        lines = list(measured(rows, filled, generator, pace))
        print(f"\n{table(lines, [each.name for each in filled], markdown=options.markdown)}")
        _say_what_to_know(lines, [each.name for each in filled])
        if {"plain", "ours"} <= {on.name for on in filled}:
            print(f"\n{statements(rows, filled)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a look: short rounds, one client")
    parser.add_argument("--seconds", type=float, default=1.0, help="of a turn")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default=",".join(SERVERS), help="which servers, the plain one among them")
    parser.add_argument(
        "--rows", nargs="+", default=[""], metavar="PART", help="those whose name has one of these in it"
    )
    parser.add_argument("--markdown", action="store_true", help="tables to paste")
    parser.add_argument("--profile", metavar="ROW", help="say where the time of such rows goes, ours beside plain")
    options = parser.parse_args()
    if options.profile:
        options.only = "plain,ours"
    if "plain" not in options.only.split(",") or set(options.only.split(",")) - set(SERVERS):
        parser.error(f"--only takes some of {', '.join(SERVERS)}, plain among them")
    return options


def _filled(stack: ExitStack, directory: Path, names: Sequence[str]) -> list[Filled]:
    template, content = stack.enter_context(tracking_data.filled())
    found: list[Filled] = []
    for name in names:
        try:
            servers = stack.enter_context(SERVERS[name](directory, template, content))
        except LeftOut as reason:
            print(f"left out: {reason}")
            continue
        note(f"filling {name}")
        columns = fill(servers, content)
        if wrong := [sentence for on in columns if name != "plain" for sentence in problems(on)]:
            raise SystemExit("\n".join(wrong))
        found += columns
    return found


def _say_where(filled: Sequence[Filled]) -> None:
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    about = dict.fromkeys(on.server.about for on in filled if on.server.about)
    print("; ".join([f"{datetime.now(UTC):%F}", load, *about]))
    print(
        "Each logs as it does by itself (INFO, a line a request); ours freezes what it imported, out of the collector."
    )


def _say_what_to_know(lines: Sequence[Line], columns: Sequence[str]) -> None:
    busiest = max(lines, key=lambda line: line.generator)
    print(f"\nThe load generator worked at most {busiest.generator:.0%} of a core ({busiest.row.name}).")
    print(f"Load at the end: {os.getloadavg()[0]:.1f}.")
    for remark in (remark for line in lines for remark in line.remarks):
        print(remark)
    if "ours" in columns:
        short = short_of(lines, "ours")
        print("Short of what is wanted:", *(short or ["none"]), sep="\n  ")


if __name__ == "__main__":
    main()

"""The command `cerberus adopt`."""

import argparse
import getpass
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import requests

from cerberus.cli.call import EXIT_CODES, Exit
from cerberus.errors import CerberusError, Conflict, Invalid, NotFound, Unavailable
from cerberus.policy import Kind, Resource
from cerberus.service import SYSTEM, Actor, Cerberus, Origin
from cerberus.settings import configured
from cerberus_mlflow.adoption import journal
from cerberus_mlflow.adoption.database import MlflowDatabase, batches
from cerberus_mlflow.adoption.journal import Journal
from cerberus_mlflow.adoption.plan import Move, Rules, Sort, assign, crossings, read_rules

MOST_SHOWN = 50
ABOUT = "Bring an MLflow database, whose things all lie in the default workspace, under Cerberus."


def build_parser() -> argparse.ArgumentParser:
    """
    The command's options.
    """
    parser = argparse.ArgumentParser(prog="cerberus adopt", description=ABOUT, epilog=EXIT_CODES)
    parser.add_argument("--database", metavar="URL", help="MLflow's; otherwise MLFLOW_BACKEND_STORE_URI")
    parser.add_argument("--rules", type=Path, metavar="FILE", help="what goes to which project (TOML)")
    parser.add_argument("--journal", type=Path, default=Path("adoption.jsonl"), metavar="FILE")
    parser.add_argument("--server", metavar="URL", help="MLflow's server, which must not answer")
    parser.add_argument("--create-projects", action="store_true", help="make the projects that are missing")
    parser.add_argument("--accept-crossing", action="store_true", help="move also what refers to another project")
    parser.add_argument("--owners", action="store_true", help="let who ran it own it, where Cerberus knows them")
    parser.add_argument("--yes", action="store_true", help="do it; without this, only say what would be done")
    parser.add_argument("--undo", action="store_true", help="move everything in the journal back")
    return parser


def main(arguments: Sequence[str]) -> int:
    """
    The command; returns its exit code.
    """
    options = build_parser().parse_args(arguments)
    try:
        return _run(options)
    except CerberusError as error:
        print(" ".join(f"cerberus: {error.message} {error.hint}".split()), file=sys.stderr)
        if isinstance(error, Invalid):
            return Exit.USAGE
        return Exit.NO if isinstance(error, Conflict | NotFound) else Exit.FAULT


def _run(options: argparse.Namespace) -> int:
    url = options.database or os.environ.get("MLFLOW_BACKEND_STORE_URI", "")
    if not url:
        raise Invalid("Name MLflow's database with --database.", field="database")
    _require_stopped(options.server)
    database = MlflowDatabase(url)
    cerberus = Cerberus.open(configured())
    try:
        database.require_schema()
        return _undo(options, database, cerberus) if options.undo else _adopt(options, database, cerberus)
    finally:
        cerberus.close()
        database.close()


def _require_stopped(server: str | None) -> None:
    if server is None:
        print("Stop MLflow's server before --yes; with --server URL this command makes sure of it.")
        return
    try:
        requests.get(f"{server.rstrip('/')}/health", timeout=5)
    except requests.ConnectionError:
        return
    except requests.RequestException as error:
        raise Unavailable(f"Whether {server} is stopped cannot be seen ({type(error).__name__}).") from None
    raise Conflict(f"{server} answers.", hint="Stop the server first.")


def _actor() -> Actor:
    operator = getpass.getuser()
    return Actor(SYSTEM.principal, Origin(client=f"command line of {operator}"), on_behalf_of=operator)


def _adopt(options: argparse.Namespace, database: MlflowDatabase, cerberus: Cerberus) -> int:
    begun = journal.read(options.journal) if options.journal.exists() else None
    if begun is None:
        moves = _planned(options, database, cerberus)
    else:
        _require_same(begun, database)
        if begun.states:
            raise Conflict(f"The journal {begun.path} is of an adoption that is over.", hint="Name another --journal.")
        print(f"Going on with {begun.path}.")
        moves = list(begun.moves)
    missing = _missing_projects(cerberus, moves)
    taken = database.taken(moves)
    _tell(moves, taken, missing)
    if taken:
        raise Conflict(f"{len(taken)} names are taken in their projects; nothing was changed.", hint="Rename them.")
    if missing and not options.create_projects:
        raise NotFound(f"There are no projects {', '.join(missing)}.", hint="Make them, or add --create-projects.")
    if not options.yes:
        print("Nothing was changed. Add --yes to do it.")
        return Exit.YES
    for slug in missing:
        cerberus.projects.create(_actor(), slug)
    book = begun or journal.begin(options.journal, database=database.shown, moves=moves)
    for batch in batches(moves):
        database.move(batch)
    owners = {_resource(move): move.owner for move in moves if move.owner}
    cerberus.adoption.note(_actor(), book.name, resources=_resources(moves), owners=owners)
    book.add("adopted")
    print(f"Done: {len(moves)} things. To undo it: --undo --journal {book.path}")
    return Exit.YES


def _planned(options: argparse.Namespace, database: MlflowDatabase, cerberus: Cerberus) -> list[Move]:
    if options.rules is None:
        raise Invalid("Say what goes where with --rules.", field="rules")
    try:
        rules = read_rules(options.rules.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise Invalid(f"{options.rules} cannot be read.", field="rules") from None
    things = database.things()
    users = _owners(cerberus, rules, {user for each in things for user in each.users}) if options.owners else {}
    moves, homeless = assign(things, rules, users=users)
    _tell_some(f"no project: {each.sort} {each.name!r}" for each in homeless)
    if homeless:
        raise Invalid(f"{len(homeless)} things have no project; nothing was changed.", field="rest")
    _tell_staying(database, {move.project for move in moves} | {each.slug for each in cerberus.projects.list(_actor())})
    problems = [*crossings(things, moves), *database.problems(moves)]
    _tell_some(f"problem: {sentence}" for sentence in problems)
    if problems and not options.accept_crossing:
        raise Conflict(f"{len(problems)} problems; nothing was changed.", hint="Mend the rules, or --accept-crossing.")
    return moves


def _owners(cerberus: Cerberus, rules: Rules, users: set[str]) -> dict[str, str]:
    """
    Whom Cerberus knows of MLflow's users, by the rules' table or by the same name.
    """
    found = {}
    for user in sorted(users):
        name = rules.owners.get(user, user)
        try:
            found[user] = cerberus.decisions.access_of_name(name).principal.name
        except CerberusError as error:
            if user in rules.owners:
                raise Invalid(f"There is no {name} to own what {user} made.", field="owners") from error
    return found


def _missing_projects(cerberus: Cerberus, moves: Sequence[Move]) -> list[str]:
    known = {each.slug: each for each in cerberus.projects.list(_actor())}
    wanted = sorted({move.project for move in moves})
    if archived := [slug for slug in wanted if slug in known and known[slug].archived]:
        raise Conflict(f"Archived: {', '.join(archived)}.", hint="Restore them first.")
    return [slug for slug in wanted if slug not in known]


def _tell(moves: Sequence[Move], taken: Sequence[Move], missing: Sequence[str]) -> None:
    for (project, sort), count in sorted(Counter((move.project, move.sort) for move in moves).items()):
        print(f"{project}: {count} {sort}{' (project is missing)' if project in missing else ''}")
    _tell_some(f"  {each.sort} {each.name!r} -> {each.project}{_owned_by(each)}" for each in moves)
    _tell_some(f"taken: {each.sort} {each.name!r} is in {each.project} already" for each in taken)


def _owned_by(move: Move) -> str:
    return f", owner {move.owner}" if move.owner else ""


def _tell_some(lines: Iterable[str]) -> None:
    number = 0
    for number, line in enumerate(lines, 1):
        if number <= MOST_SHOWN:
            print(line)
    if number > MOST_SHOWN:
        print(f"  ... and {number - MOST_SHOWN} more")


def _tell_staying(database: MlflowDatabase, projects: Collection[str]) -> None:
    for table, count in database.staying().items():
        print(f"stays in the default workspace, out of everybody's reach: {count} in {table}")
    for workspace, count in database.elsewhere().items():
        reach = "which is a project" if workspace in projects else "which is no project, out of everybody's reach"
        print(f"stays in the workspace {workspace}, {reach}: {count} experiments, models and datasets")


def _require_same(book: Journal, database: MlflowDatabase) -> None:
    if book.database != database.shown:
        raise Conflict(f"The journal {book.path} is of another database, {book.database}.")


def _undo(options: argparse.Namespace, database: MlflowDatabase, cerberus: Cerberus) -> int:
    book = journal.read(options.journal)
    _require_same(book, database)
    if "undone" in book.states:
        raise Conflict(f"The adoption in {book.path} is undone already.")
    if taken := database.taken_again(book.moves):
        _tell(book.moves, [], [])
        names = ", ".join(f"{move.sort} {move.name!r}" for move in taken)
        raise Conflict(f"In the default workspace there are again {names}; nothing was changed.")
    if not options.yes:
        print(f"{len(book.moves)} things would go back. Nothing was changed. Add --yes to do it.")
        return Exit.YES
    for batch in batches(book.moves):
        database.move_back(batch)
    cerberus.adoption.undo(_actor(), book.name, resources=_resources(book.moves))
    book.add("undone")
    print(f"Undone: {len(book.moves)} things are in the default workspace again.")
    return Exit.YES


def _resource(move: Move) -> Resource:
    return Resource(move.project, Kind(move.sort), move.id)


def _resources(moves: Sequence[Move]) -> list[Resource]:
    return [_resource(move) for move in moves if move.sort is not Sort.DATASET]

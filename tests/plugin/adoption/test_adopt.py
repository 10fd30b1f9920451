"""`cerberus adopt` on databases that a server without workspaces has filled."""

import os
import subprocess
import sys
from typing import Any

import pytest

from cerberus.service import SYSTEM
from cerberus_mlflow.adoption.database import BY_ID, MODEL_TABLES
from cerberus_mlflow.adoption.plan import STAYS

WORKSPACES = ("fraud", "churn")
KILLED_AT_THE_THIRD = """
import os, sys
from cerberus_mlflow.adoption import command
done, move = [], command.MlflowDatabase.move
def dying(self, moves):
    if len(done) == 3:
        os._exit(9)
    done.append(move(self, moves))
command.BATCH, command.MlflowDatabase.move = 1, dying
command.main(sys.argv[1:])
"""


def in_default(dump: dict[str, list[str]]) -> list[str]:
    tables = (*MODEL_TABLES, "experiments", "evaluation_datasets")
    return [row for table in tables for row in dump[table] if "'default'" in row]


def test_a_dry_run_says_what_would_go_where_and_changes_nothing(old: Any, capsys: pytest.CaptureFixture[str]) -> None:
    before = old.dump()
    assert old.adopt() == 0
    said = capsys.readouterr().out
    assert "experiment 'fraud/cards' -> fraud" in said
    assert "registered_model 'tagged-model' -> fraud" in said, "it follows its runs"
    assert "registered_model 'churn-model' -> churn" in said
    assert "prompt 'fraud-greeting' -> fraud" in said
    assert "Nothing was changed" in said
    assert old.dump() == before
    assert not (old.data / "journal.jsonl").exists()


def test_everything_moves_and_goes_back_to_the_same_rows(old: Any, cerberus: Any) -> None:
    before = old.dump()
    version = cerberus.version()
    assert old.adopt("--yes", "--owners") == 0
    after = old.dump()
    assert len(in_default(before)) > len(in_default(after))
    assert all("'Default'" in row for row in in_default(after)), "only the empty experiment 0 stays"
    assert {table for table in before if before[table] != after[table]} <= {
        *MODEL_TABLES,
        *(table for table, _ in BY_ID.values()),
    }
    assert cerberus.version() == version + 1, "one audit line, one step"
    assert old.adopt("--undo") == 0
    assert old.dump() == after, "the undo's dry run"
    assert old.adopt("--undo", "--yes") == 0
    assert old.dump() == before


def test_a_killed_adoption_goes_on_where_it_was(old: Any) -> None:
    before = old.dump()
    arguments = ["--database", old.url, "--journal", str(old.data / "journal.jsonl")]
    assert old.adopt() == 0
    command = [sys.executable, "-c", KILLED_AT_THE_THIRD, *arguments, "--rules", str(old.data / "rules.toml"), "--yes"]
    assert subprocess.run(command, env=dict(os.environ), capture_output=True, timeout=120).returncode == 9
    half = old.dump()
    assert half != before
    assert len(in_default(half)) > 1, "it was killed in the middle"
    assert old.adopt("--yes") == 0
    assert len(in_default(old.dump())) == 1
    assert old.adopt("--undo", "--yes") == 0
    assert old.dump() == before


def test_a_killed_adoption_can_be_undone(old: Any) -> None:
    before = old.dump()
    arguments = ["--database", old.url, "--journal", str(old.data / "journal.jsonl")]
    assert old.adopt() == 0
    command = [sys.executable, "-c", KILLED_AT_THE_THIRD, *arguments, "--rules", str(old.data / "rules.toml"), "--yes"]
    subprocess.run(command, env=dict(os.environ), capture_output=True, timeout=120)
    assert old.adopt("--undo", "--yes") == 0
    assert old.dump() == before


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ('[[rule]]\nname = "*/*"\nproject = "fraud"', "no project: experiment 'loose'"),
        ('rest = "fraud"\n[models]\n"churn-model" = "churn"', "would go to churn, but comes from experiment"),
        ('rest = "nowhere"', "There are no projects nowhere"),
        ('rest = "fraud"\n[[rule]]\nproject = "fraud"', "at least one of name, tag and kind"),
        ('rest = "fraud"\nfoo = 1', "unknown keys: foo"),
    ],
)
def test_what_cannot_be_done_is_named_and_nothing_changes(
    old: Any, rules: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = old.dump()
    assert old.adopt("--yes", rules=rules) in (1, 2)
    captured = capsys.readouterr()
    assert said in captured.out + captured.err
    assert old.dump() == before


def test_a_name_that_is_taken_in_the_project_is_named(old: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from sqlalchemy import create_engine, text

    engine = create_engine(old.url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO registered_models (workspace, name) VALUES ('fraud', 'fraud-model')"))
    engine.dispose()
    before = old.dump()
    assert old.adopt("--yes") == 1
    assert "taken: registered_model 'fraud-model' is in fraud already" in capsys.readouterr().out
    assert old.dump() == before


def test_missing_projects_are_made_when_asked_for(old: Any, cerberus: Any) -> None:
    assert old.adopt("--yes", "--create-projects", rules='rest = "fresh"') == 0
    assert "fresh" in {each.slug for each in cerberus.projects.list(SYSTEM)}


def test_every_table_with_a_workspace_is_known() -> None:
    import mlflow.store.tracking.dbmodels.models  # noqa: F401
    from mlflow.store.db.base_sql_model import Base

    having = {name for name, table in Base.metadata.tables.items() if "workspace" in table.c}
    assert having == {*MODEL_TABLES, *(table for table, _ in BY_ID.values()), *STAYS}

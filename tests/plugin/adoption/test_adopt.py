"""`cerberus adopt` on databases that a server without workspaces has filled."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text

from cerberus.service import SYSTEM
from cerberus_mlflow.adoption.command import main
from cerberus_mlflow.adoption.tables import MOVED

WORKSPACES = ("fraud", "churn")


def in_default(dump: dict[str, list[str]]) -> list[str]:
    return [row for table in MOVED for row in dump[table] if "'default'" in row]


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
    assert {table for table in before if before[table] != after[table]} <= {*MOVED}
    assert cerberus.version() == version + 1, "one audit line, one step"
    assert old.adopt("--undo") == 0
    assert old.dump() == after, "the undo's dry run"
    assert old.adopt("--undo", "--yes") == 0
    assert old.dump() == before


def test_a_killed_adoption_goes_on_where_it_was(old: Any) -> None:
    before = old.dump()
    assert old.adopt_killed("--yes") == 9
    half = old.dump()
    assert half != before
    assert len(in_default(half)) > 1, "it was killed in the middle"
    assert old.adopt("--yes") == 0
    assert len(in_default(old.dump())) == 1
    assert old.adopt("--undo", "--yes") == 0
    assert old.dump() == before


def test_a_killed_adoption_can_be_undone(old: Any) -> None:
    before = old.dump()
    assert old.adopt_killed("--yes") == 9
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
    changed(old, "INSERT INTO registered_models (workspace, name) VALUES ('fraud', 'fraud-model')")
    before = old.dump()
    assert old.adopt("--yes") == 1
    assert "taken: registered_model 'fraud-model' is in fraud already" in capsys.readouterr().out
    assert old.dump() == before


def test_missing_projects_are_made_when_asked_for(old: Any, cerberus: Any) -> None:
    assert old.adopt("--yes", "--create-projects", rules='rest = "fresh"') == 0
    assert "fresh" in {each.slug for each in cerberus.projects.list(SYSTEM)}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///{data}/elsewhere.db", "There is no file"),
        ("sqlite:///{data}/cerberus.db", "is no database of MLflow's"),
        ("mysql+pymysql://root@127.0.0.1/mlflow", "SQLite and PostgreSQL only"),
        ("./mlruns", "mlflow migrate-filestore"),
    ],
)
def test_what_is_no_database_of_mlflows_is_said(
    database_url: str, cast: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, url: str, said: str
) -> None:
    monkeypatch.setenv("CERBERUS_DATABASE_URL", database_url)
    files = {each.name for each in tmp_path.iterdir()}
    assert main(["--database", url.format(data=tmp_path), "--rules", "rules.toml"]) == 2
    assert said in capsys.readouterr().err
    assert {each.name for each in tmp_path.iterdir()} == files, "SQLite would have made a file"


def changed(old: Any, *statements: str) -> None:
    engine = create_engine(old.url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_what_lies_in_other_workspaces_is_counted(old: Any, capsys: pytest.CaptureFixture[str]) -> None:
    make = "INSERT INTO registered_models (workspace, name) VALUES ('{}', '{}')"
    changed(old, make.format("lost", "a"), make.format("lost", "b"), make.format("churn", "c"))
    assert old.adopt() == 0
    said = capsys.readouterr().out
    assert "workspace lost, which is no project, out of everybody's reach: 2 experiments" in said
    assert "workspace churn, which is a project: 1 experiments" in said


def test_experiment_0_moves_when_somebody_has_worked_in_it(old: Any, capsys: pytest.CaptureFixture[str]) -> None:
    changed(old, "INSERT INTO scorers (experiment_id, scorer_name, scorer_id) VALUES (0, 'polite', 's-1')")
    assert old.adopt() == 0
    assert "experiment 'Default' -> churn" in capsys.readouterr().out


def test_runs_apart_from_their_parents_are_told_by_experiment(old: Any, capsys: pytest.CaptureFixture[str]) -> None:
    parent, child = old.ids["fraud run"], old.ids["churn run"]
    changed(old, f"UPDATE tags SET value = '{parent}' WHERE key = 'mlflow.parentRunId' AND run_uuid = '{child}'")
    before = old.dump()
    assert old.adopt("--yes") == 1
    wanted = (
        f"experiment {old.ids['churn']}: 1 run(s), {child} among them, have parents in experiment {old.ids['fraud']}"
    )
    assert wanted in capsys.readouterr().out
    assert old.dump() == before
    assert old.adopt("--yes", "--accept-crossing") == 0


def test_a_model_follows_files_that_no_run_is_named_for(old: Any, capsys: pytest.CaptureFixture[str]) -> None:
    source = f"mlflow-artifacts:/{old.ids['fraud']}/elsewhere/artifacts/model"
    changed(
        old,
        "INSERT INTO registered_models (workspace, name) VALUES ('default', 'by files')",
        "INSERT INTO model_versions (workspace, name, version, source, run_id, status, current_stage) "
        f"VALUES ('default', 'by files', 1, '{source}', '', 'READY', 'None')",
    )
    assert old.adopt() == 0
    assert "registered_model 'by files' -> fraud" in capsys.readouterr().out


def test_statements_grow_with_batches_not_with_things(old: Any) -> None:
    few = statements_of(lambda: old.adopt())
    row = "({0}, 'more {0}', 'mlflow-artifacts:/{0}', 'active', 'default')"
    more = ", ".join(row.format(each) for each in range(1000, 1300))
    named = "(experiment_id, name, artifact_location, lifecycle_stage, workspace)"
    changed(old, f"INSERT INTO experiments {named} VALUES {more}")
    assert statements_of(lambda: old.adopt()) - few <= 3 * 2, "two for each hundred"
    assert statements_of(lambda: old.adopt("--yes")) < few + 50


def statements_of(do: Callable[[], int]) -> int:
    """
    How many statements that sends to any database.
    """
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert do() == 0
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(sent)

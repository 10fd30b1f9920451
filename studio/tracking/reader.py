"""Reads experiments, runs and models from MLflow's database. Nothing that one may not see is read or counted."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, Row, Select, case, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from cerberus.errors import NotFound, Unavailable
from cerberus.policy import Visible
from studio.tracking import details
from studio.tracking.columns import Column, Part, Sort
from studio.tracking.database import open_database
from studio.tracking.listing import Listing, experiment_number, newest, seen_experiments, seen_models, seen_runs
from studio.tracking.records import (
    PARENT,
    Counts,
    Experiment,
    ExperimentPage,
    Keys,
    ModelSummary,
    Run,
    RunPage,
    RunRow,
    moment,
)
from studio.tracking.schema import (
    check_revision,
    experiments,
    latest_metrics,
    model_versions,
    params,
    registered_models,
    runs,
    tags,
)
from studio.tracking.search import conditions
from studio.tracking.series import Axis, Line, read_lines

PAGE_SIZE = 50
RECENT = 200


class Reader:
    """
    The one way from a page to MLflow's database. Every method takes the project and what may be seen in it.
    """

    def __init__(self, url: str) -> None:
        self.engine: Engine = open_database(url)
        check_revision(self.engine)

    def close(self) -> None:
        """
        Give the connections back.
        """
        self.engine.dispose()

    def experiments(
        self, project: str, visible: Visible, *, text: str = "", page: int = 1, size: int = PAGE_SIZE
    ) -> ExperimentPage:
        """
        The experiments whose name contains `text`, those with the latest activity first.
        """
        found = [*seen_experiments(project, visible)]
        if text.strip():
            found.append(experiments.c.name.icontains(text.strip().replace("\x00", ""), autoescape=True))
        total = self._number(select(func.count()).select_from(experiments).where(*found))
        rows = self._rows(details.experiments_with_activity(found).limit(size).offset((max(page, 1) - 1) * size))
        return ExperimentPage(tuple(_experiment(row) for row in rows), total, page, size)

    def experiment(self, project: str, visible: Visible, experiment_id: str) -> Experiment:
        """
        One experiment, or NotFound.
        """
        only = experiments.c.experiment_id == experiment_number(experiment_id)
        rows = self._rows(details.experiments_with_activity([*seen_experiments(project, visible), only]))
        if not rows:
            raise NotFound("There is no such experiment that you can see.", hint="Choose one on the Experiments page.")
        return _experiment(rows[0])

    def experiment_names(self, project: str, visible: Visible) -> Mapping[str, str]:
        """
        The names of all experiments by id, in the order of their names.
        """
        rows = self._rows(
            select(experiments.c.experiment_id, experiments.c.name)
            .where(*seen_experiments(project, visible))
            .order_by(func.lower(experiments.c.name))
        )
        return {str(row.experiment_id): row.name for row in rows}

    def runs(
        self,
        project: str,
        visible: Visible,
        *,
        experiments: Sequence[str] | None = None,
        search: str = "",
        sort: Sort | None = None,
        page: int = 1,
        size: int = PAGE_SIZE,
        columns: Sequence[Column] = (),
    ) -> RunPage:
        """
        One page of the runs that fit a filter, with the values of `columns` for this page only.
        """
        fitting = (*seen_runs(project, visible, experiments), *conditions(search))
        listing = Listing(fitting, sort or Sort())
        total = self._number(listing.count())
        page = min(max(page, 1), max(1, -(-total // size)))
        ids = self._page_of(listing, size, (page - 1) * size)
        return RunPage(self._rows_of(ids, columns), total, page, size)

    def run(self, project: str, visible: Visible, run_id: str) -> Run:
        """
        One run in full, or NotFound: of another project, hidden, deleted, or not there at all.
        """
        found = self.runs_in_full(project, visible, [run_id])
        if not found:
            raise NotFound("There is no such run that you can see.", hint="Choose one on the Runs page.")
        return found[0]

    def runs_in_full(self, project: str, visible: Visible, run_ids: Sequence[str]) -> tuple[Run, ...]:
        """
        The runs among `run_ids` that one may see, in that order, each once.
        """
        wanted = [each for each in dict.fromkeys(run_ids) if each and "\x00" not in each]
        scope = seen_runs(project, visible)
        found = self._ids(select(runs.c.run_uuid).where(runs.c.run_uuid.in_(wanted), *scope)) if wanted else []
        with_all = details.in_full(self._rows, [each for each in wanted if each in set(found)])
        return tuple(with_all)

    def children(self, project: str, visible: Visible, run_id: str, *, limit: int = PAGE_SIZE) -> tuple[RunRow, ...]:
        """
        The latest runs that name this one as their parent.
        """
        named = select(tags.c.run_uuid).where(tags.c.key == PARENT, tags.c.value == run_id.replace("\x00", ""))
        fitting = (*seen_runs(project, visible), runs.c.run_uuid.in_(named))
        return self._rows_of(self._ids(newest(fitting, limit)), ())

    def parent(self, project: str, visible: Visible, run: RunRow) -> RunRow | None:
        """
        The run that this one names as its parent, if one may see it.
        """
        if not run.parent:
            return None
        found = self._ids(select(runs.c.run_uuid).where(runs.c.run_uuid == run.parent, *seen_runs(project, visible)))
        return next(iter(self._rows_of(found, ())), None)

    def keys(self, project: str, visible: Visible, *, experiments: Sequence[str] | None = None) -> Keys:
        """
        The params, metrics and tags that the latest runs have.
        """
        recent = self._ids(newest(seen_runs(project, visible, experiments), RECENT))
        if not recent:
            return Keys()
        names = [
            [row.key for row in self._rows(select(table.c.key).where(table.c.run_uuid.in_(recent)).distinct())]
            for table in (params, latest_metrics, tags)
        ]
        visible_tags = [key for key in names[2] if not key.startswith("mlflow.")]
        return Keys(tuple(sorted(names[0])), tuple(sorted(names[1])), tuple(sorted(visible_tags)))

    def counts(self, project: str, visible: Visible) -> Counts:
        """
        How many experiments and runs there are.
        """
        there = self._number(select(func.count()).select_from(experiments).where(*seen_experiments(project, visible)))
        grouped = select(runs.c.status, func.count().label("runs")).where(*seen_runs(project, visible))
        by_status = {row.status: row.runs for row in self._rows(grouped.group_by(runs.c.status))}
        return Counts(there, sum(by_status.values()), by_status.get("RUNNING", 0), by_status.get("FAILED", 0))

    def model_count(self, project: str, visible: Visible) -> int:
        """
        How many registered models (no prompts) there are.
        """
        return self._number(select(func.count()).select_from(registered_models).where(*seen_models(project, visible)))

    def models(self, project: str, visible: Visible, *, limit: int = PAGE_SIZE) -> tuple[ModelSummary, ...]:
        """
        The registered models (no prompts) with their versions, the latest changed first.
        """
        live = case((model_versions.c.current_stage != "Deleted_Internal", model_versions.c.version))
        versions = (model_versions.c.workspace == registered_models.c.workspace) & (
            model_versions.c.name == registered_models.c.name
        )
        rows = self._rows(
            select(
                registered_models.c.name,
                registered_models.c.last_updated_time.label("updated"),
                func.count(live).label("versions"),
                func.max(live).label("latest"),
            )
            .outerjoin(model_versions, versions)
            .where(*seen_models(project, visible))
            .group_by(registered_models.c.name, registered_models.c.last_updated_time)
            .order_by(registered_models.c.last_updated_time.desc(), registered_models.c.name)
            .limit(limit)
        )
        return tuple(ModelSummary(row.name, row.versions, row.latest, moment(row.updated)) for row in rows)

    def lines(
        self, project: str, visible: Visible, run_ids: Sequence[str], *, metrics: Sequence[str], axis: Axis = Axis.STEP
    ) -> tuple[Line, ...]:
        """
        The histories of metrics, at most about 300 points each with every extreme kept, of the runs one may see.
        """
        wanted = [each for each in dict.fromkeys(run_ids) if "\x00" not in each]
        scope = seen_runs(project, visible)
        found = self._ids(select(runs.c.run_uuid).where(runs.c.run_uuid.in_(wanted), *scope)) if wanted else []
        order = [each for each in wanted if each in set(found)]
        return read_lines(self._rows, order, metrics=metrics, axis=axis)

    def _page_of(self, listing: Listing, size: int, offset: int) -> list[str]:
        ids = self._ids(listing.first().limit(size).offset(offset))
        counted = listing.count_first()
        if counted is None or len(ids) == size:
            return ids
        before = self._number(counted)
        rest = listing.second().limit(size - len(ids)).offset(max(0, offset - before))
        return ids + self._ids(rest)

    def _rows_of(self, ids: Sequence[str], columns: Sequence[Column]) -> tuple[RunRow, ...]:
        wanted = {part: [column.key for column in columns if column.part is part] for part in Part}
        return details.rows_of(self._rows, ids, wanted)

    def _rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        try:
            with self.engine.connect() as connection:
                return connection.execute(statement).all()
        except (DBAPIError, PoolTimeout) as error:
            raise Unavailable(
                "The runs cannot be read from MLflow's database just now.",
                hint="Nothing is lost. Try again in a moment; if a filter is set, make it narrower.",
            ) from error

    def _ids(self, statement: Select[Any]) -> list[str]:
        return [row[0] for row in self._rows(statement)]

    def _number(self, statement: Select[Any]) -> int:
        return int(self._rows(statement)[0][0])


def _experiment(row: Row[Any]) -> Experiment:
    created, started = moment(row.creation_time), moment(row.started)
    return Experiment(str(row.experiment_id), row.name, row.runs, created, started, row.note or "")

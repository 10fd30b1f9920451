"""Does again what lost a race: two runs that name one data set at the same moment both want to make its row.

MLflow answers the second one 400, which no client repeats, and a sweep over one data set is full of such pairs.
"""

from functools import wraps
from typing import Any, Final

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, ErrorCode

from cerberus_mlflow.host import sql_store

ATTEMPTS: Final = 4
LOST: Final = "IntegrityError"
"""What SQLAlchemy calls it when somebody else's row was there first; its name, for its module is not imported here."""


def log_inputs_again() -> None:
    """
    Makes MLflow's store log inputs up to four times. It looks first which of them are there, so nothing happens twice;
    what refers to something that is not there fails each time, and its last error stands.
    """
    store = sql_store.SqlAlchemyStore
    log = store.log_inputs

    @wraps(log)
    def log_inputs(self: Any, run_id: str, datasets: Any = None, models: Any = None) -> Any:
        for _ in range(ATTEMPTS - 1):
            try:
                return log(self, run_id, datasets, models)
            except MlflowException as error:
                if error.error_code != ErrorCode.Name(BAD_REQUEST) or type(error.__cause__).__name__ != LOST:
                    raise
        return log(self, run_id, datasets, models)

    store.log_inputs = log_inputs

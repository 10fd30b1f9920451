"""Makes or upgrades MLflow's database and adds Studio's indexes: `python -m studio.local.mlflow_database`.

The database is the one of MLFLOW_BACKEND_STORE_URI, so that no password stands on a command line.
"""

import os
import sys

from alembic.util.exc import CommandError
from mlflow.db import upgrade
from mlflow.store.db.utils import create_sqlalchemy_engine_with_retry

from studio.local.reader_role import ensure_reader
from studio.tracking.schema import install_indexes


def main() -> int:
    url = os.environ["MLFLOW_BACKEND_STORE_URI"]
    engine = create_sqlalchemy_engine_with_retry(url)  # waits for a database server that is still starting
    try:
        upgrade.callback(url)
    except CommandError as error:
        print(error, file=sys.stderr)
        return 3
    install_indexes(engine)
    engine.dispose()
    ensure_reader(url)
    return 0


if __name__ == "__main__":
    sys.exit(main())

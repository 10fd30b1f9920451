"""What a database's driver is told, whether SQLAlchemy takes part or not."""

from sqlalchemy import event

from cerberus.store.database import Database


def statements_sent(database: Database) -> list[str]:
    """
    Every statement that a SQLite database gets from now on; it has been asked for its version before.
    """
    sent: list[str] = []
    kept = database._straight._connection
    assert kept is not None
    kept.driver_connection.set_trace_callback(sent.append)
    event.listen(database.engine, "checkout", lambda connection, *_: connection.set_trace_callback(sent.append))
    return sent

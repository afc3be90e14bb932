"""Secrets that reach a function of the database as data, not as part of a statement.

Django writes parameters into the statement, where paysafe refuses a secret: it would stand in
logs and in pg_stat_activity.  Here it is copied.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import Any, Iterator

from django.db import connections, transaction

TABLE = "pg_temp.paysafe_secret"


@contextmanager
def secret_argument(secret: str, using: str) -> Iterator[Any]:
    """A cursor in a transaction in which table `TABLE` has the secret, as its column `secret`."""
    line = (
        secret.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    )
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE paysafe_secret (secret text) ON COMMIT DROP")
        statement = f"COPY {TABLE} FROM STDIN"
        if hasattr(cursor, "copy_expert"):  # psycopg2
            cursor.copy_expert(statement, io.StringIO(line + "\n"))
        else:
            with cursor.copy(statement) as copy:
                copy.write(line + "\n")
        yield cursor
        cursor.execute(f"DROP TABLE {TABLE}")

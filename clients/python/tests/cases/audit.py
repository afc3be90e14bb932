"""What the audit log has, for assertions."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from django.db import connection
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext


class AuditedTestCase(TransactionTestCase):
    """Commits, and looks at what the audit log got since the test began.

    The log is not emptied between tests: nothing empties it.
    """

    def setUp(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            self.began = cursor.fetchone()[0]

    def recorded(self, *columns: str) -> List[Tuple[Any, ...]]:
        """These columns of the rows of shop's tables, oldest first."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {', '.join(columns)} FROM paysafe.audit_log"
                " WHERE schema_name = 'public' AND at > %s ORDER BY at, xid, seq",
                [self.began],
            )
            return cursor.fetchall()

    def noted(self) -> Dict[str, Any]:
        """Who wrote the payment with which note; None: nobody was named."""
        return dict(self.recorded("after ->> 'note'", "CASE WHEN actor_claimed THEN actor END"))


class Claims(CaptureQueriesContext):
    """How often act_as is called, and how many queries there are."""

    def __init__(self) -> None:
        super().__init__(connection)

    @property
    def count(self) -> int:
        return sum("paysafe.act_as" in query["sql"] for query in self.captured_queries)

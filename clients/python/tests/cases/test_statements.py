"""Which statements need somebody to be named."""

from django.test import SimpleTestCase

from django_paysafe.statements import Kind, Statement, statement

READS = """
SELECT "shop_payment"."id" FROM "shop_payment" WHERE "shop_payment"."id" = %s
SELECT COUNT(*) AS "__count" FROM "shop_payment"
SELECT EXTRACT(YEAR FROM "shop_payment"."at" AT TIME ZONE 'UTC') FROM "shop_payment"
SELECT 1 AS "a" FROM "t" WHERE "t"."note" = 'INSERT INTO x; DELETE' LIMIT 1
SELECT 1
(SELECT a FROM t) UNION (SELECT b FROM u)
SELECT a FROM t FOR UPDATE
/* UPDATE */ SELECT a FROM t
SELECT a FROM (SELECT b FROM t) x
SELECT "pay (x" FROM t
WITH x AS (SELECT a FROM t) SELECT * FROM x
EXPLAIN SELECT a FROM t
EXPLAIN UPDATE t SET a = 1
EXPLAIN (ANALYZE) SELECT a FROM t
FETCH FORWARD 100 FROM c
DECLARE c CURSOR WITH HOLD FOR SELECT a FROM t
SET search_path = x
SHOW server_version
BEGIN
COMMIT
ROLLBACK
ROLLBACK;
"""

WRITES = """
INSERT INTO "shop_payment" ("a") VALUES (%s) RETURNING "shop_payment"."id"
  update t set a = 1
DELETE FROM t
MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE
TRUNCATE t
COPY t FROM STDIN
EXECUTE plan
SELECT transfer(1, 2)
SELECT paysafe.approve('t', '1', 'x') FROM t
SELECT "shop"."pay"(id) FROM t
SELECT * FROM transfer(1, 2)
SELECT * FROM t JOIN LATERAL transfer(1, 2) ON true
SELECT a INTO copy FROM t
WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x
WITH x AS (SELECT 1) UPDATE t SET a = 1
EXPLAIN (ANALYZE, BUFFERS) DELETE FROM t
EXPLAIN ANALYSE SELECT * FROM transfer(1)
SELECT 1; INSERT INTO t VALUES (1)
"""

OTHERS = """
CREATE INDEX CONCURRENTLY i ON t (a)
VACUUM t
CALL month_end()
DO $$ BEGIN UPDATE t SET a = 1; END $$
REFRESH MATERIALIZED VIEW v
BEGIN; INSERT INTO t VALUES (1); COMMIT
GRANT SELECT ON t TO x
"""

SAVEPOINTS = {
    'SAVEPOINT "s1_x1"': (Kind.SAVEPOINT, "s1_x1"),
    "savepoint A": (Kind.SAVEPOINT, "a"),
    'RELEASE SAVEPOINT "A""b"': (Kind.RELEASE, 'A"b'),
    "RELEASE a;": (Kind.RELEASE, "a"),
    'ROLLBACK TO SAVEPOINT "s1_x1"': (Kind.ROLLBACK_TO, "s1_x1"),
    "ROLLBACK WORK TO a": (Kind.ROLLBACK_TO, "a"),
}


class StatementTests(SimpleTestCase):
    def check(self, texts: str, kind: Kind) -> None:
        for sql in texts.strip().splitlines():
            with self.subTest(sql):
                self.assertEqual(statement(sql), Statement(kind))

    def test_reads(self) -> None:
        self.check(READS, Kind.READ)

    def test_a_comment_ends_with_its_line(self) -> None:
        self.assertEqual(statement("-- SELECT\nDELETE FROM t").kind, Kind.WRITE)
        self.assertEqual(statement("-- DELETE FROM t\nSELECT a FROM t").kind, Kind.READ)

    def test_writes(self) -> None:
        self.check(WRITES, Kind.WRITE)

    def test_others(self) -> None:
        self.check(OTHERS, Kind.OTHER)

    def test_quoted_text_hides_nothing(self) -> None:
        for sql in (
            "SELECT '--'; DELETE FROM t",
            "SELECT $$'$$; DELETE FROM t",
            "SELECT E'\\''; DELETE FROM t",
            'SELECT "a""--" FROM t; DELETE FROM t',
            "SELECT /* -- */ 1; DELETE FROM t",
        ):
            with self.subTest(sql):
                self.assertEqual(statement(sql).kind, Kind.WRITE)

    def test_savepoints(self) -> None:
        for sql, expected in SAVEPOINTS.items():
            with self.subTest(sql):
                self.assertEqual(statement(sql), Statement(*expected))

"""An ordinary use of PostgreSQL with its JIT: a cluster of its own, queries of several kinds in several
sessions; prints their results. --single: in one process, without postmaster or children."""

import argparse
import sys

import postgresql_cluster

TABLE = ["CREATE TABLE t AS SELECT i, i % 7 AS k, (i * 37 % 101)::float8 AS x, 'row ' || i AS name "
         "FROM generate_series(1, 500) i;", "ANALYZE t;"]
QUERIES = [
    "SELECT k, count(*), sum(i * 3 - k), avg(x) FROM t WHERE i % 3 <> 1 AND x > 10 GROUP BY k ORDER BY k;",
    "SELECT sum(CASE WHEN x > 50 THEN i ELSE -k END), max(length(name)), min(upper(name)) FROM t "
    "WHERE name LIKE '%1%';",
    "SELECT a.k, sum(a.x * b.i) FROM t a JOIN t b ON a.i = b.i + 1 WHERE b.x < a.x + 20 GROUP BY a.k ORDER BY 1;",
    "SELECT i, sum(x) OVER (PARTITION BY k ORDER BY i), x::numeric(10,2) / 3 FROM t WHERE i < 20 ORDER BY i LIMIT 9;",
    # An error is thrown across compiled code.
    "DO $$ BEGIN PERFORM sum(1 / (k - k)) FROM t; EXCEPTION WHEN division_by_zero THEN "
    "PERFORM set_config('test.caught', SQLERRM, false); END $$;",
    "SELECT current_setting('test.caught');",
]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--single", action="store_true")
    options.add_argument("--sessions", type=int, default=3)
    options = options.parse_args()
    with postgresql_cluster.Cluster() as cluster:
        if options.single:
            result = cluster.single_user(TABLE + QUERIES)
            print(result.stdout)
            return result.returncode
        cluster.start()
        sessions = [cluster.session() for _ in range(options.sessions)]
        if sessions[0].run("SELECT pg_jit_available();") != "t\n":
            print("no JIT here")
            return 1
        print(sessions[0].run("\n".join(TABLE)), end="")
        for query in QUERIES:
            for session in sessions:
                print(session.run(query), end="", flush=True)
        for session in sessions:
            session.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

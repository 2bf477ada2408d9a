#!/usr/bin/env python3
"""A thousand queries that are compiled in one backend of PostgreSQL: its window recycles. After a hundred and
after a thousand the same mappings and pages lie in it, and the process grows by no more mappings than bare.

    postgresql_recycles.py --shim LIBRARY [--queries N]"""

import argparse
import os
import re

import postgresql_cluster
from host_test import expect, main, skip

TABLE = "CREATE TABLE t AS SELECT i, i % 7 AS k, (i * 37 % 101)::float8 AS x FROM generate_series(1, 50) i;"
QUERIES = ["SELECT sum(i * 3 - k) FROM t WHERE x > 10;", "SELECT k, count(*) FROM t WHERE i % 3 <> 1 GROUP BY k;",
           "SELECT max(x + i) FROM t;"]
# Optimising takes most of the time, and changes nothing about memory: one query of fifty is enough.
PLAIN = "SET jit_optimize_above_cost = -1; SET jit_inline_above_cost = -1;"
# What is compiled for an open cursor stays: something has to be seen in the window.
OPEN = "BEGIN; DECLARE c CURSOR FOR SELECT i * 3 - k FROM t WHERE x > 10 ORDER BY 1; FETCH 1 FROM c;"
OPTIMISED = "SET jit_optimize_above_cost = 0; SET jit_inline_above_cost = 0;"

options = argparse.ArgumentParser()
options.add_argument("--shim", required=True)
options.add_argument("--queries", type=int, default=1000)
options = options.parse_args()


class Maps:
    """What a process has mapped: mappings in all, KiB of heap; mappings and bytes in the window."""
    def __init__(self, pid, window):
        self.all = self.inside = self.bytes = self.heap = 0
        begin, end = window
        with open(f"/proc/{pid}/maps") as maps:
            for line in maps:
                low, high, access = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
                low, high = int(low, 16), int(high, 16)
                held = access == "---p" and begin <= low and high <= end  # free pages of the window
                if held:
                    continue
                self.all += 1
                if "[heap]" in line:
                    self.heap = (high - low) >> 10
                if low < end and begin < high:
                    self.inside += 1
                    self.bytes += high - low

    def __str__(self):
        return f"{self.all} mappings, heap {self.heap} KiB; in the window {self.inside}, {self.bytes >> 10} KiB"


def run(preload):
    """[Maps after 100 queries, after all], the answers, the backend's exit line."""
    os.environ.pop("LD_PRELOAD", None)
    if preload:
        os.environ |= {"LD_PRELOAD": preload, "JITCORRAL_VERBOSE": "1", "JITCORRAL_STATS": "1"}
    with postgresql_cluster.Cluster() as cluster:
        cluster.start()
        session = cluster.session()
        session.run(TABLE + PLAIN)
        answers, found, window = [], [], (0, 0)
        for n in range(1, options.queries + 1):
            query = QUERIES[n % len(QUERIES)]
            answers.append(session.run(f"{OPTIMISED}{query}{PLAIN}" if n % 50 == 0 else query))
            if preload and n == 1:
                line = cluster.line_with("[jitcorral:window]", f" pid={session.backend} ")
                base, size = int(re.search(r" base=(\w+)", line)[1], 16), int(re.search(r" size=(\d+)", line)[1])
                window = (base, base + size)
            if n in (100, options.queries):
                answers.append(session.run(OPEN))
                found.append(Maps(session.backend, window))
                session.run("COMMIT;")
        session.close()
        cluster.stop()
        last = preload and cluster.line_with("[jitcorral:exit]", f" pid={session.backend} ")
    return found, answers, last


def test():
    if not postgresql_cluster.programs():
        skip("no PostgreSQL with JIT (package postgresql-15)")
    bare, right, _ = run("")
    found, answers, last = run(options.shim)
    print(f"bare, after 100:  {bare[0]}\n          {options.queries:5}:  {bare[1]}\n"
          f"shim, after 100:  {found[0]}\n          {options.queries:5}:  {found[1]}\n{last}")
    expect(answers == right, "other answers under the shim")
    counts = dict(re.findall(r" (\w+)=(\d+)", last))
    steered, fellback, back = (int(counts[name]) for name in ("steered", "fellback", "givenback"))
    # Each query has a block of code and one of data, at least.
    expect(steered >= 2 * options.queries, f"only {steered} blocks were steered: nothing was compiled")
    expect(fellback == 0, f"{fellback} calls fell back")
    expect(back == steered, f"of {steered} blocks {back} came back")
    expect(found[0].inside > 0, "the code of an open cursor is not in the window")
    expect(found[1].inside <= found[0].inside and found[1].bytes <= found[0].bytes, "the window fills")
    # What grows bare, LLVM's own leaks on the heap, grows here as well.
    grows = [after.all - before.all for before, after in (bare, found)]
    expect(grows[1] <= grows[0] + 2, f"mappings grow by {grows[1]}, bare by {grows[0]}")


main(test)

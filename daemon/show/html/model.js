// One run: its calls and placements as columns, and what is asked of them.

const kinds = {unknown: 0, code: 1, rodata: 2, rwdata: 3, mixed: 4}; // vocabulary.h: Kind
const outcomes = {done: 0, steered: 1, passed: 2, fellBack: 3, failed: 4, wouldSteer: 5}; // event.h: Outcome
// The lanes of the map, by what memory became.
const lanes = [
  {key: "code", title: "code", colour: "code"},
  {key: "rodata", title: "read-only data", colour: "rodata"},
  {key: "rwdata", title: "writable data", colour: "rwdata"},
  {key: "other", title: "other memory", colour: "unknown"},
];

class Run {
  constructor(data, report) {
    this.data = data;
    this.report = report;
    this.calls = data.calls;
    this.total = data.calls.ticket.length; // of the calls that the page carries
    this.placed = data.placements;
    this.placements = data.placements.begin.length;
    this.window = data.window;
    this.anchor = data.anchor;
    this.lanes = lanes.map(() => []);
    for (let i = 0; i < this.placements; ++i) this.lanes[this.laneOf(i)].push(i);
    const begin = this.placed.begin;
    for (const lane of this.lanes) lane.sort((a, b) => begin[a] - begin[b]);
  }

  // Memory of no JIT is shown too, apart: it explains what lies between.
  laneOf(i) {
    if (!this.placed.jit[i]) return 3;
    const kind = this.placed.kind[i];
    return kind === kinds.code || kind === kinds.mixed ? 0 : kind === kinds.rodata ? 1 : kind === kinds.rwdata ? 2 : 3;
  }

  end(i) {
    return this.placed.begin[i] + this.placed.size[i];
  }

  // Whether a placement is there behind call number `moment`.
  isThere(i, moment) {
    const died = this.placed.died[i];
    return this.placed.born[i] <= moment && (died < 0 || died > moment);
  }

  // Not placed by jitcorral though it is a JIT's: fell back, or lies outside the window.
  isOutside(i) {
    if (!this.placed.jit[i]) return false;
    if (this.placed.outcome[i] === outcomes.fellBack) return true;
    const role = this.data.callers[this.placed.caller[i]].role;
    if (role === 0 || names.roles[role] === "learned") return false; // nobody meant to place it
    return (
      this.window !== null &&
      this.report.policy === "auto" &&
      (this.placed.begin[i] < this.window[0] || this.end(i) > this.window[1])
    );
  }

  time(call) {
    if (this.total === 0) return 0;
    return this.calls.time[Math.max(0, Math.min(call, this.total - 1))];
  }

  // [lowest, highest] of the placements that `wanted` takes; null: there are none.
  hull(wanted) {
    let low = Infinity,
      high = -Infinity;
    for (let i = 0; i < this.placements; ++i) {
      if (!wanted(i)) continue;
      low = Math.min(low, this.placed.begin[i]);
      high = Math.max(high, this.end(i));
    }
    return low < high ? [low, high] : null;
  }

  // The pair to look at: one beyond a reach that may bind, or else the farthest.
  worstPair() {
    let best = null;
    for (const [name, reach] of Object.entries(this.report.reach)) {
      if (!reach.on_isa || !reach.worst_pair || reach.worst === null) continue;
      const guilty = reach.pairs_over > 0 && reach.binds !== "no";
      const ratio = reach.worst / reach.limit;
      if (best === null || (guilty && !best.guilty) || (guilty === best.guilty && ratio > best.ratio))
        best = {name, reach, guilty, ratio, from: pairRange(reach.worst_pair.from), to: pairRange(reach.worst_pair.to)};
    }
    return best;
  }

  callerText(index) {
    const caller = this.data.callers[index];
    if (!caller || (caller.module === "" && caller.symbol === "")) return "an unknown caller";
    const symbol = caller.symbol === "" ? "(no symbol)" : withoutParameters(caller.symbol);
    return caller.module === "" ? symbol : symbol + " in " + base(caller.module);
  }

  becameText(call) {
    const outcome = names.outcomes[this.calls.outcome[call]] || "?";
    const reason = this.calls.reason[call];
    const error = this.calls.error[call] ? ", errno " + this.calls.error[call] : "";
    if (this.calls.outcome[call] === outcomes.passed) return outcome + ": " + (names.passed[reason] || "?") + error;
    if (this.calls.outcome[call] === outcomes.fellBack || this.calls.outcome[call] === outcomes.failed)
      return outcome + ": " + (names.failures[reason] || "?") + error;
    return outcome === "done" ? "" : outcome;
  }
}

function pairRange(range) {
  return [parseInt(range.begin, 16), parseInt(range.end, 16)];
}

function union(...ranges) {
  const there = ranges.filter((r) => r !== null);
  if (there.length === 0) return null;
  return [Math.min(...there.map((r) => r[0])), Math.max(...there.map((r) => r[1]))];
}

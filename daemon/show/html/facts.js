// What can be said in words and tables: the verdict, the process, the reaches, who mapped what.

function showVerdict(run, session) {
  const report = page.report,
    name = run.report.verdict,
    tone = verdictTone(name);
  const section = $("verdict");
  section.className = "verdict " + tone;
  const title =
    {
      "within-reach": "Within reach",
      "at-risk": "At risk",
      "out-of-reach": "Out of reach",
      "no-jit": "No JIT",
      unknown: "Unknown",
    }[name] || name;
  const next = make("p", {className: "next"}, make("b", {}, "Next: "), ...codeParts(run.data.advice));
  section.replaceChildren(
    make("div", {className: "name"}, title),
    make("p", {className: "because"}, together(sentence(run.report.because || "No reason was given"))),
    next,
  );
  const of = session
    ? `session ${session.id}, ${base(session.command)} on ${session.host}, ${localTime(session.started)}`
    : "ring file";
  $("session").textContent = visible(of);
  document.title = `${name}: ${base(run.report.exe || "pid " + run.report.pid)} (jitcorral ${report.jitcorral})`;
  $("made").textContent =
    `Made by jitcorral ${report.jitcorral}, ${localTime(page.made)}. ` +
    "This page holds all it shows and fetches nothing." +
    (session ? " Not listed: " + names.unlisted + "." : "");
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// A number stays on the line of its unit.
function together(text) {
  return text.replace(/(\d) (bytes?|[KMGTPE]iB)\b/g, "$1\u00a0$2");
}

// What stands between backquotes is code.
function codeParts(text) {
  return text.split("`").map((part, i) => (i % 2 ? make("code", {}, part) : part));
}

function showProcesses(runs, choose) {
  const nav = $("processes");
  nav.hidden = runs.length < 2;
  nav.replaceChildren(
    ...runs.map((run) => {
      const r = run.report,
        cell = (text) => make("span", {className: "cell"}, text);
      const steered = r.counts ? count(r.counts.steered) + " steered, " + count(r.counts.fellback) + " fell back" : "";
      return make(
        "button",
        {type: "button", onclick: () => choose(run), title: visible(r.exe)},
        make("span", {className: "dot " + verdictTone(r.verdict)}),
        cell("run " + r.id),
        cell(base(r.exe) || "pid " + r.pid),
        cell(r.verdict),
        cell(run.data.end || "ended"),
        cell(r.state === "not-loaded" ? "not loaded: " + r.reason : steered),
      );
    }),
  );
  return (chosen) => runs.forEach((run, i) => nav.children[i].setAttribute("aria-current", String(run === chosen)));
}

function showFacts(run) {
  const r = run.report,
    facts = [];
  const add = (name, value, wide) => {
    if (value) facts.push([name, value, wide]);
  };
  add(
    "process",
    `${base(r.exe) || "unknown"}, pid ${r.pid}` + (r.parent === null ? "" : `, forked from run ${r.parent}`),
  );
  add("ended", run.data.end + (r.ended ? " after " + duration((new Date(r.ended) - new Date(r.started)) * 1e6) : ""));
  add("machine", r.isa === "unknown" ? "" : r.isa + ", pages of " + size(r.page_size));
  add("policy", r.policy === null ? "" : r.policy + (r.near && r.near !== "auto" ? ", near " + r.near : ""));
  add(
    "window",
    run.window
      ? size(run.window[1] - run.window[0]) +
          " at " +
          hex(run.window[0]) +
          (run.anchor ? ", near " + hex(run.anchor[0]) : "")
      : r.policy === "observe"
        ? "none: observe never steers"
        : "none was opened",
  );
  if (run.window) add("in it at the end", fill(run));
  if (r.counts) {
    const c = r.counts;
    add(
      "calls",
      [
        count(c.steered) + " steered",
        count(c.fellback) + " fell back",
        c.wouldsteer ? count(c.wouldsteer) + " would be steered" : "",
        count(c.passed) + " passed",
        c.dropped ? count(c.dropped) + " dropped" : "",
      ]
        .filter(Boolean)
        .join(", "),
      true,
    );
  }
  for (const name of ["unit", "container", "slurm_job", "label"])
    add(name.replace("_", " "), r[name] ? String(r[name]) : "");
  add("executable", r.exe, true);
  add("note", r.reason, true);
  $("facts").replaceChildren(
    make(
      "dl",
      {className: "facts"},
      ...facts.map(([name, value, wide]) =>
        make("div", {className: wide ? "wide" : ""}, make("dt", {}, name), make("dd", {}, value)),
      ),
    ),
  );
}

function fill(run) {
  let bytes = 0;
  for (let i = 0; i < run.placements; ++i)
    if (
      run.placed.died[i] < 0 &&
      run.placed.jit[i] &&
      run.placed.begin[i] >= run.window[0] &&
      run.end(i) <= run.window[1]
    )
      bytes += run.placed.size[i];
  const part = (bytes / (run.window[1] - run.window[0])) * 100;
  return size(bytes) + ", " + (part > 0 && part < 0.1 ? "less than 0.1" : part.toFixed(1)) + " %";
}

function showReach(run) {
  const r = run.report,
    here = Object.entries(r.reach).filter(([, reach]) => reach.on_isa);
  const elsewhere = Object.entries(r.reach)
    .filter(([, reach]) => !reach.on_isa)
    .map(([name]) => name);
  const box = $("reach");
  if (r.engines.length === 0) {
    box.replaceChildren(
      make("p", {className: "empty"}, "No engine mapped memory for code, so there is nothing that has to reach."),
    );
    return;
  }
  const rows = here.map(([name, reach]) => {
    const over = reach.pairs_over > 0,
      part = reach.worst === null ? 0 : Math.min(reach.worst / reach.limit, 1);
    const bar = make("span", {className: "meter" + (over ? " over" : ""), "aria-hidden": "true"}, make("i", {}));
    bar.firstChild.style.width = (part * 100).toFixed(1) + "%";
    return [
      make("b", {}, name),
      size(reach.limit),
      reach.worst === null ? "no pair" : make("span", {}, distance(reach.worst, reach.limit), bar),
      count(reach.pairs),
      make("span", {className: over ? "over-text" : ""}, count(reach.pairs_over)),
      {yes: "yes", maybe: "may", no: "no"}[reach.binds] || reach.binds,
      reach.worst_pair
        ? make(
            "span",
            {className: "mono"},
            `${reach.worst_pair.from.begin} to ${reach.worst_pair.to.begin} (${reach.worst_pair.to_kind})`,
          )
        : "",
    ];
  });
  const columns = [
    {title: "reach"},
    {title: "limit", number: true},
    {title: "farthest", number: true},
    {title: "pairs", number: true},
    {title: "beyond", number: true},
    {title: "binds"},
    {title: "farthest pair"},
  ];
  const guilty = (i) => here[i][1].pairs_over > 0 && here[i][1].binds !== "no";
  const notes = here
    .filter(([, reach]) => reach.pairs > 0 && reach.why)
    .map(([name, reach]) =>
      make(
        "li",
        {},
        make("b", {}, name + {yes: " binds: ", maybe: " may bind: ", no: " does not bind: "}[reach.binds]),
        reach.why,
      ),
    );
  if (elsewhere.length) notes.push(make("li", {}, elsewhere.join(", ") + ": no such instructions on " + r.isa));
  box.replaceChildren(
    makeTable(columns, rows, (i) => (guilty(i) ? "over" : "")),
    make("ul", {className: "notes"}, ...notes),
  );
}

function showEngines(run) {
  const box = $("engines"),
    parts = [];
  for (const engine of run.report.engines) {
    parts.push(make("h3", {}, engine.name), make("div", {className: "muted mono"}, engine.module));
    parts.push(
      makeTable(
        [
          {title: "caller"},
          {title: "became"},
          {title: "mapped", number: true},
          {title: "bytes", number: true},
          {title: "there at the end", number: true},
          {title: "span", number: true},
          {title: "of these"},
        ],
        engine.callers.map((c) => [
          (c.symbol ? withoutParameters(c.symbol) : "(no symbol)") +
            (c.module !== engine.module && c.module ? " in " + base(c.module) : ""),
          make(
            "span",
            {},
            make("span", {className: "swatch " + (["code", "rodata", "rwdata"].includes(c.kind) ? c.kind : "unknown")}),
            " " + c.kind,
          ),
          count(c.mappings),
          size(c.bytes),
          count(c.live),
          size(c.span_bytes),
          [
            [c.steered, "steered"],
            [c.fellback, "fell back"],
            [c.wouldsteer, "would steer"],
            [c.passed, "passed"],
          ]
            .filter(([n]) => n)
            .map(([n, what]) => count(n) + " " + what)
            .join(", "),
        ]),
      ),
    );
    if (engine.never_executable > 0 && !engine.any_executable)
      parts.push(
        make(
          "p",
          {className: "empty"},
          `${counted(engine.never_executable, "mapping")} (${size(engine.never_executable_bytes)}) ` +
            "never became executable: the host may have gone to its interpreter",
        ),
      );
  }
  if (parts.length === 0) parts.push(make("p", {className: "empty"}, "Nobody mapped memory for code."));
  box.replaceChildren(...parts);
}

function showFallbacks(run) {
  const list = run.report.fallbacks.map((f) => {
    const remedy = names.remedies[names.failures.indexOf(f.reason)] || "";
    return make(
      "div",
      {className: "fallback"},
      make("p", {}, make("b", {}, counted(f.calls, "call") + ": "), f.reason),
      make("p", {className: "remedy"}, `${size(f.bytes)} in all, the largest ${size(f.largest)}. ` + sentence(remedy)),
    );
  });
  $("fallbacks").replaceChildren(
    ...(list.length
      ? list
      : [make("p", {className: "empty"}, "No call fell back: every call that was to be placed was.")]),
  );
}

function showBlind(run) {
  const all = run.report.blind;
  $("blind").replaceChildren(
    all.length
      ? make("ul", {className: "plain"}, ...all.map((b) => make("li", {}, b)))
      : make("p", {className: "empty"}, "Nothing is known to be missing from this record."),
  );
}

// What the map shows, for those who can't see it.
function showRegions(run) {
  const rows = [],
    add = (what, low, high, note) =>
      rows.push([what, make("span", {className: "mono"}, `${hex(low)}-${hex(high)}`), size(high - low), note]);
  if (run.window) add("window", run.window[0], run.window[1], "");
  if (run.anchor) add("anchor", run.anchor[0], run.anchor[1], "what the window lies near");
  for (const [k, lane] of lanes.entries()) {
    const hull = run.hull((i) => run.laneOf(i) === k);
    if (hull) add(lane.title, hull[0], hull[1], counted(run.lanes[k].length, "piece") + " in this span");
  }
  const outside = run.hull((i) => run.isOutside(i));
  if (outside) add("outside the window", outside[0], outside[1], "a JIT's, not placed");
  for (const m of run.data.modules) add(base(m.module), m.begin, m.end, "a caller's library");
  for (const [begin, end, permissions] of run.data.unseen) add("unexplained", begin, end, "executable, " + permissions);
  $("regions-table").replaceChildren(
    rows.length
      ? makeTable([{title: "region"}, {title: "addresses"}, {title: "size", number: true}, {title: ""}], rows)
      : make("p", {className: "empty"}, "Nothing: no call was recorded."),
  );
}

// Puts the parts together, and shows the worst run first.

const reports = new Map(page.report.runs.map((r) => [r.id, r]));
const runs = page.runs.map((data) => new Run(data, reports.get(data.id)));

function makeTools() {
  const button = (text, title, act) =>
    make("button", {type: "button", title, "aria-label": title, className: "square", onclick: act}, text);
  const to = (which) => () => lookAt(presets(view.run)[which]);
  const go = (which, text) => make("button", {type: "button", id: "go-" + which, onclick: to(which)}, text);
  view.buttons = {window: go("window", "Window"), pair: go("pair", "Farthest pair")};
  view.everGroup = makeGroup(
    "Which mappings",
    [
      [true, "All that ever was"],
      [false, "At a moment"],
    ],
    true,
    (ever) => {
      view.ever = ever;
      redraw();
    },
  );
  $("map-tools").replaceChildren(
    view.everGroup,
    go("jit", "JIT memory"),
    view.buttons.window,
    view.buttons.pair,
    go("all", "Everything"),
    button("−", "Zoom out", () => zoom(2)),
    button("+", "Zoom in", () => zoom(0.5)),
  );
  $("time-tools").replaceChildren(
    makeGroup(
      "What",
      [
        ["address", "Addresses"],
        ["distance", "Farthest distance"],
      ],
      "address",
      (what) => {
        chart.what = what;
        showTimeLegend(view.run);
        redraw();
      },
    ),
    makeGroup(
      "Against",
      [
        ["call", "by call"],
        ["time", "by time"],
      ],
      "call",
      (by) => {
        chart.by = by;
        redraw();
      },
    ),
  );
  $("moment").addEventListener("input", (event) => setMoment(Number(event.target.value)));
}

function legend(box, items) {
  box.replaceChildren(
    ...items.map(([swatch, text]) =>
      make("li", {}, swatch ? make("span", {className: "swatch " + swatch}) : null, text),
    ),
  );
}

function showMapLegend(run) {
  const items = [
    ["code", "code"],
    ["rodata", "read-only data"],
    ["rwdata", "writable data"],
    ["unknown", "other"],
    ["ghost", "gone by the end"],
  ];
  if (run.window) items.push(["window", "window"]);
  if (run.anchor) items.push(["anchor", "what it lies near"]);
  if (run.hull((i) => run.isOutside(i))) items.push(["out", "fell outside the window"]);
  items.push([
    "",
    "Drag to move; click, then wheel or + − to zoom; point at a mapping to see how far delta32 reaches from it.",
  ]);
  legend($("map-legend"), items);
}

function showTimeLegend(run) {
  if (chart.what === "address")
    return legend($("time-legend"), [
      ["code", "code"],
      ["rodata", "read-only data"],
      ["rwdata", "writable data"],
      ["unknown", "other"],
      ["", "The addresses are those that the map shows. Drag to choose a moment."],
    ]);
  legend($("time-legend"), [
    ...run.report.engines.map((e, i) => ["line" + (i % 4), e.name]),
    ["limit", "limit of a reach"],
    ["", "The farthest two mappings of each engine, one of them code."],
  ]);
}

function showMoment() {
  const run = view.run,
    slider = $("moment");
  slider.max = String(Math.max(run.total - 1, 0));
  slider.disabled = run.total < 2;
  slider.value = String(view.ever ? slider.max : view.moment);
  view.everGroup.press(view.ever);
  const c = run.calls,
    i = view.moment;
  $("moment-text").textContent =
    run.total === 0
      ? "no calls"
      : view.ever
        ? "all " + counted(run.total, "call")
        : `call ${count(c.ticket[i])}, ${duration(c.time[i])}: ${names.calls[c.call[i]]} ` +
          `${c.length[i] ? size(c.length[i]) : ""} ` +
          (names.outcomes[c.outcome[i]] === "done" ? "" : names.outcomes[c.outcome[i]]);
}

function show(run) {
  view.run = run;
  view.moment = Math.max(run.total - 1, 0);
  view.ever = true;
  view.chosen = view.hover = -1;
  markProcess(run);
  showVerdict(run, page.report.session);
  showFacts(run);
  showReach(run);
  showEngines(run);
  showFallbacks(run);
  showBlind(run);
  showRegions(run);
  showMapLegend(run);
  showTimeLegend(run);
  const p = presets(run);
  view.buttons.window.hidden = p.window === null;
  view.buttons.pair.hidden = p.pair === null;
  const nothing = p.all === null;
  for (const id of ["map-panel", "time-panel"]) $(id).hidden = nothing;
  for (const id of ["reach-panel", "engines-panel"]) $(id).hidden = run.report.state === "not-loaded";
  $("fallbacks-panel").hidden = run.report.state === "not-loaded";
  lookAt(p.jit || p.all || [0, 2 ** 47]);
  showCalls(run);
}

readColours();
const markProcess = showProcesses(runs, show);
makeTools();
makeCalls();
listenToMap();
listenToTime();
view.listeners.push(() => {
  if (!$("map-panel").hidden) {
    drawMap();
    drawTime();
    showMoment();
  }
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  readColours();
  redraw();
});
addEventListener("resize", () => {
  redraw();
  drawCalls(false);
});
if (runs.length > 0) {
  show(runs[0]);
} else {
  $("verdict").replaceChildren(
    make("div", {className: "name"}, "Unknown"),
    make("p", {className: "because"}, "No process of this session was recorded"),
  );
  for (const panel of document.querySelectorAll(".panel, #facts")) panel.hidden = true;
}
document.documentElement.dataset.ready = "yes";

// Mouse, touch and keys on the canvases.

function placementAt(px, py, width) {
  const run = view.run,
    x = mapX(width);
  const k = Math.floor((py - map.top.lanes) / map.laneHeight);
  if (k < 0 || k >= lanes.length) return -1;
  let best = -1,
    nearest = 6;
  for (const i of run.lanes[k]) {
    if (!view.ever && !run.isThere(i, view.moment)) continue;
    const a = x(run.placed.begin[i]),
      b = Math.max(x(run.end(i)), a + kLeastPixels);
    const off = px < a ? a - px : px > b ? px - b : 0;
    if (off < nearest || (off === nearest && off === 0)) {
      best = i;
      nearest = off;
    }
  }
  return best;
}

function placementLines(i) {
  const run = view.run,
    p = run.placed;
  const became = names.kinds[p.kind[i]] + (p.jit[i] ? "" : ", no JIT's");
  const outcome = names.outcomes[p.outcome[i]];
  const from = p.born[i] < 0 ? "there from the beginning" : "call " + count(run.calls.ticket[p.born[i]] ?? p.born[i]);
  const to = p.died[i] < 0 ? "there to the end" : "gone at call " + count(run.calls.ticket[p.died[i]] ?? p.died[i]);
  const lines = [
    make("b", {}, became + ", " + size(p.size[i]) + (outcome === "done" ? "" : ", " + outcome)),
    make("div", {className: "mono"}, hex(p.begin[i]) + "-" + hex(run.end(i))),
    make("div", {}, run.callerText(p.caller[i])),
    make("div", {}, from + "; " + to),
  ];
  if (run.window && p.jit[i]) {
    const below = run.window[0] - run.end(i),
      above = p.begin[i] - run.window[1];
    if (below > 0 || above > 0)
      lines.push(make("div", {}, size(Math.max(below, above)) + (below > 0 ? " below" : " above") + " the window"));
    else lines.push(make("div", {}, "in the window, " + size(p.begin[i] - run.window[0]) + " from its start"));
  }
  return lines;
}

function onMapMove(event) {
  const canvas = $("map"),
    i = placementAt(event.offsetX, event.offsetY, canvas.clientWidth);
  if (i !== view.hover) {
    view.hover = i;
    redraw();
  }
  if (i >= 0) return showTip(event, placementLines(i));
  const tip = mapBackground(event.offsetX, event.offsetY, canvas.clientWidth);
  if (tip) showTip(event, tip);
  else hideTip();
}

// The window, its anchor and the libraries under the pointer.
function mapBackground(px, py, width) {
  if (py < map.top.window || py > map.top.lanes || px < kGutter) return null;
  const run = view.run,
    x = mapX(width),
    address = view.low + ((px - kGutter) / (width - kGutter - kRight)) * (view.high - view.low);
  const near = (range) => px >= x(range[0]) - 3 && px <= Math.max(x(range[1]), x(range[0]) + kLeastPixels) + 3;
  const module = run.data.modules.find((m) => near([m.begin, m.end]));
  if (module && py > map.top.window + 16)
    return [
      make("b", {}, base(module.module)),
      make("div", {className: "mono"}, hex(module.begin) + " and on"),
      make("div", {}, module.module),
      make("div", {}, "a caller; seen as far as " + hex(module.end)),
    ];
  if (run.anchor && near(run.anchor))
    return [
      make("b", {}, "anchor, " + size(run.anchor[1] - run.anchor[0])),
      make("div", {}, "what the window lies near"),
      make("div", {className: "mono"}, hex(run.anchor[0]) + "-" + hex(run.anchor[1])),
    ];
  if (run.window && address >= run.window[0] && address < run.window[1])
    return [
      make("b", {}, "window, " + size(run.window[1] - run.window[0])),
      make("div", {className: "mono"}, hex(run.window[0]) + "-" + hex(run.window[1])),
    ];
  return null;
}

function listenToMap() {
  const canvas = $("map");
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    drag = {x: event.clientX, low: view.low, high: view.high, moved: false};
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({preventScroll: true});
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag === null) return onMapMove(event);
    const by = ((event.clientX - drag.x) / (canvas.clientWidth - kGutter - kRight)) * (drag.high - drag.low);
    drag.moved = drag.moved || Math.abs(event.clientX - drag.x) > 3;
    if (!drag.moved) return;
    canvas.classList.add("drag");
    hideTip();
    view.low = drag.low - by;
    view.high = drag.high - by;
    redraw();
  });
  const drop = () => {
    if (drag !== null && !drag.moved && view.hover >= 0 && view.run.placed.born[view.hover] >= 0)
      chooseCall(view.run.placed.born[view.hover], true);
    drag = null;
    canvas.classList.remove("drag");
  };
  canvas.addEventListener("pointerup", drop);
  canvas.addEventListener("pointercancel", () => {
    drag = null;
  });
  canvas.addEventListener("pointerleave", () => {
    hideTip();
    view.hover = -1;
    redraw();
  });
  canvas.addEventListener("dblclick", (event) => zoom(event.shiftKey ? 4 : 0.25, addressAt(event.offsetX)));
  // The wheel scrolls the page until the map is asked for by a click, or with Ctrl.
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && document.activeElement !== canvas) return;
      event.preventDefault();
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) / 1500);
      else zoom(Math.exp(Math.max(-300, Math.min(event.deltaY, 300)) * 0.003), addressAt(event.offsetX));
    },
    {passive: false},
  );
  canvas.addEventListener("keydown", (event) => {
    const keys = {
      ArrowLeft: () => pan(-0.1),
      ArrowRight: () => pan(0.1),
      "+": () => zoom(0.5),
      "=": () => zoom(0.5),
      "-": () => zoom(2),
      0: () => lookAt(presets(view.run).jit),
      Home: () => lookAt(presets(view.run).all),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  const strip = $("overview");
  strip.addEventListener("pointerdown", (event) => strip.setPointerCapture(event.pointerId));
  for (const kind of ["pointerdown", "pointermove"])
    strip.addEventListener(kind, (event) => {
      if (event.buttons !== 1) return;
      const [low, high] = overviewRange();
      const at = low + ((event.offsetX - kGutter) / (strip.clientWidth - kGutter - kRight)) * (high - low);
      look(at - (view.high - view.low) / 2, at + (view.high - view.low) / 2);
    });
}

function addressAt(px) {
  return view.low + ((px - kGutter) / ($("map").clientWidth - kGutter - kRight)) * (view.high - view.low);
}

function callAt(px) {
  const canvas = $("time"),
    run = view.run;
  const part = Math.max(0, Math.min((px - kGutter) / (canvas.clientWidth - kGutter - kRight), 1));
  if (chart.by === "call") return Math.round(part * run.total);
  const wanted = part * run.time(run.total - 1);
  let low = 0,
    high = run.total;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (run.calls.time[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function listenToTime() {
  const canvas = $("time");
  const move = (event) => {
    const call = callAt(event.offsetX);
    if (event.buttons === 1) setMoment(call);
    else if (call < view.run.total && event.offsetX >= kGutter) showTip(event, callLines(call));
    else hideTip();
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    hideTip();
    move(event);
  });
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerleave", hideTip);
  canvas.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? Math.max(1, Math.round(view.run.total / 50)) : 1;
    if (event.key === "ArrowLeft") setMoment(view.moment - step);
    else if (event.key === "ArrowRight") setMoment(view.moment + step);
    else return;
    event.preventDefault();
  });
}

function callLines(call) {
  const run = view.run,
    c = run.calls;
  return [
    make("b", {}, names.calls[c.call[call]] + " " + size(c.length[call])),
    make(
      "div",
      {},
      ["call " + count(c.ticket[call]), "at " + duration(c.time[call]), run.becameText(call)]
        .filter(Boolean)
        .join(", "),
    ),
    make("div", {className: "mono"}, hex(c.address[call])),
    make("div", {}, run.callerText(c.caller[call])),
  ];
}

// Placements over time: from left to right the calls, from bottom to top the addresses that the map
// shows too, or how far apart the farthest pair of each engine was.

const chart = {what: "address", by: "call", top: 10, bottom: 28};
const kLines = ["code", "rodata", "rwdata", "mixed"];

function chartX(width) {
  const run = view.run,
    from = kGutter,
    to = width - kRight;
  if (chart.by === "call") {
    const most = Math.max(run.total, 1);
    return (call) => from + ((to - from) * Math.max(0, Math.min(call, most))) / most;
  }
  const most = Math.max(run.time(run.total - 1), 1);
  return (call) => (call >= run.total ? to : from + ((to - from) * (call < 0 ? 0 : run.time(call))) / most);
}

function drawTime() {
  const {context: c, width, height} = prepare($("time"));
  const run = view.run,
    x = chartX(width),
    bottom = height - chart.bottom;
  if (run.total === 0 && run.placements === 0) {
    label(c, "Nothing was recorded of this process: no JIT made a call.", kGutter, width, height / 2, colours.muted);
    return;
  }
  drawTimeRuler(c, x, width, bottom);
  c.save();
  if (chart.what === "address") drawAddresses(c, x, width, bottom);
  else drawDistances(c, x, width, bottom);
  c.restore();
  const at = Math.round(x(view.ever ? run.total : view.moment)) + 0.5;
  c.strokeStyle = colours.ink;
  c.beginPath();
  c.moveTo(at, chart.top);
  c.lineTo(at, bottom);
  c.stroke();
}

function drawTimeRuler(c, x, width, bottom) {
  const run = view.run;
  c.font = "11px " + colours.mono;
  c.fillStyle = colours.muted;
  c.strokeStyle = colours.line;
  c.beginPath();
  c.moveTo(kGutter, bottom + 0.5);
  c.lineTo(width - kRight, bottom + 0.5);
  c.stroke();
  const last = chart.by === "call" ? run.total : run.time(run.total - 1);
  const rough = last / Math.max(2, Math.floor((width - kGutter) / 120));
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = Math.max(1, [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough) || 1);
  c.textAlign = "center";
  for (let at = 0; at <= last; at += step) {
    const px = kGutter + ((width - kRight - kGutter) * at) / Math.max(last, 1);
    const text = chart.by === "call" ? count(at) : duration(at);
    c.fillText(text, Math.min(px, width - c.measureText(text).width / 2 - 2), bottom + 14);
  }
  c.textAlign = "left";
  c.font = "12px " + colours.sans;
  c.fillText(chart.by === "call" ? "call number" : "time", 0, bottom + 14);
}

function drawAddresses(c, x, width, bottom) {
  const run = view.run;
  const y = (address) => bottom - ((bottom - chart.top) * (address - view.low)) / (view.high - view.low);
  c.font = "11px " + colours.mono;
  c.fillStyle = colours.muted;
  c.strokeStyle = colours.line;
  for (const at of ticks(view.low, view.high, 6).out) {
    const py = Math.round(y(at)) + 0.5;
    if (py < chart.top || py > bottom) continue;
    c.fillText(hex(at), 0, py);
    c.beginPath();
    c.moveTo(kGutter, py);
    c.lineTo(width - kRight, py);
    c.stroke();
  }
  c.beginPath();
  c.rect(kGutter, 0, width - kGutter - kRight, bottom);
  c.clip();
  if (run.window) {
    const a = y(run.window[1]),
      b = y(run.window[0]);
    c.fillStyle = colours.window;
    c.fillRect(kGutter, a, width - kGutter - kRight, b - a);
    c.strokeStyle = colours["window-edge"];
    c.strokeRect(kGutter - 2, a + 0.5, width, b - a - 1);
  }
  const end = width - kRight;
  for (const k of [3, 2, 1, 0]) {
    c.fillStyle = colours[lanes[k].colour];
    c.globalAlpha = k === 3 ? 0.45 : 0.85;
    for (const i of run.lanes[k]) {
      const bottomY = y(run.placed.begin[i]),
        topY = y(run.end(i));
      if (bottomY < chart.top - 2 || topY > bottom + 2) continue;
      const a = x(run.placed.born[i]),
        b = run.placed.died[i] < 0 ? end : x(run.placed.died[i]);
      const tall = Math.max(bottomY - topY, 2);
      c.fillRect(a, Math.min(topY, bottomY - tall), Math.max(b - a, 1.5), tall);
    }
  }
  c.globalAlpha = 1;
  c.fillStyle = colours.bad;
  for (let k = 0; k < 3; ++k)
    for (const i of run.lanes[k])
      if (run.isOutside(i)) c.fillRect(x(run.placed.born[i]) - 1.5, y(run.placed.begin[i]) - 3.5, 4, 5);
}

function drawDistances(c, x, width, bottom) {
  const run = view.run,
    far = run.data.farthest;
  const limits = Object.entries(run.report.reach).filter(([, r]) => r.on_isa);
  let most = Math.max(...limits.map(([, r]) => r.limit)) * 4;
  for (const d of far.distance) most = Math.max(most, d * 2);
  const low = Math.log2(4096),
    high = Math.log2(most);
  const y = (bytes) => bottom - ((bottom - chart.top) * (Math.log2(Math.max(bytes, 4096)) - low)) / (high - low);
  c.font = "11px " + colours.mono;
  c.strokeStyle = colours.line;
  for (let power = 12; power <= high; power += 6) {
    const py = Math.round(y(2 ** power)) + 0.5;
    c.fillStyle = colours.muted;
    c.fillText(size(2 ** power), 0, Math.min(py, bottom - 8));
    c.beginPath();
    c.moveTo(kGutter, py);
    c.lineTo(width - kRight, py);
    c.stroke();
  }
  c.setLineDash([6, 4]);
  for (const [name, reach] of limits) {
    const py = y(reach.limit);
    c.strokeStyle = c.fillStyle = reach.binds === "no" ? colours.faint : colours.bad;
    c.beginPath();
    c.moveTo(kGutter, py);
    c.lineTo(width - kRight, py);
    c.stroke();
    c.font = "12px " + colours.sans;
    c.textAlign = "right";
    c.fillText(name + " reaches " + size(reach.limit), width - kRight - 4, py - 9);
    c.textAlign = "left";
  }
  c.setLineDash([]);
  c.lineWidth = 2;
  run.report.engines.forEach((engine, e) => {
    c.strokeStyle = colours[kLines[e % kLines.length]];
    c.beginPath();
    let down = false,
      lastY = 0;
    for (let i = 0; i < far.since.length; ++i) {
      if (far.engine[i] !== e) continue;
      const px = x(far.since[i]);
      if (far.distance[i] < 0) {
        if (down) c.lineTo(px, lastY);
        down = false;
        continue;
      }
      const py = y(far.distance[i]);
      if (down) c.lineTo(px, lastY);
      else c.moveTo(px, py);
      c.lineTo(px, py);
      lastY = py;
      down = true;
    }
    if (down) c.lineTo(width - kRight, lastY);
    c.stroke();
  });
  c.lineWidth = 1;
  if (far.since.length === 0)
    label(
      c,
      "No engine had code and something else at the same time: no distance to show.",
      kGutter + 8,
      width,
      40,
      colours.muted,
    );
}

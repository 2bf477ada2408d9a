// The address space from left to right: the pair that matters, the window and what it lies near,
// and a lane for each kind of memory.

const map = {
  top: {pair: 4, window: 44, lanes: 82},
  laneHeight: 41,
  barHeight: 24,
};
const kLeastPixels = 2.5; // a mapping is never drawn narrower

function mapX(width) {
  const scale = (width - kGutter - kRight) / (view.high - view.low);
  return (address) => kGutter + (address - view.low) * scale;
}

function drawMap() {
  const {context: c, width, height} = prepare($("map"));
  const run = view.run,
    x = mapX(width);
  const bottom = map.top.lanes + lanes.length * map.laneHeight;
  drawRuler(c, x, width, bottom);
  drawLaneNames(c, width);
  c.save();
  c.beginPath();
  c.rect(kGutter, 0, width - kGutter - kRight, height);
  c.clip();
  drawWindow(c, x, bottom);
  drawModules(c, x, width);
  run.lanes.forEach((lane, k) => drawLane(c, x, width, lane, k));
  drawUnseen(c, x);
  drawHover(c, x, bottom);
  drawPair(c, x, width);
  c.restore();
  drawOverview();
}

function drawRuler(c, x, width, bottom) {
  const {step, out} = ticks(view.low, view.high, Math.max(2, Math.floor((width - kGutter) / 150)));
  c.strokeStyle = colours.line;
  c.fillStyle = colours.muted;
  c.font = "11px " + colours.mono;
  c.textAlign = "center";
  for (const at of out) {
    const px = Math.round(x(at)) + 0.5;
    if (px < kGutter || px > width - kRight) continue;
    c.beginPath();
    c.moveTo(px, map.top.window - 6);
    c.lineTo(px, bottom + 4);
    c.stroke();
    const half = c.measureText(hex(at)).width / 2;
    c.fillText(hex(at), Math.max(kGutter + half, Math.min(px, width - half - 2)), bottom + 14);
  }
  c.textAlign = "left";
  c.fillText("│ = " + size(step), 0, bottom + 14);
}

function drawLaneNames(c, width) {
  c.font = "12px " + colours.sans;
  c.textAlign = "left";
  c.strokeStyle = colours.line;
  c.fillStyle = colours.muted;
  c.fillText("farthest pair", 0, map.top.pair + 18);
  c.fillText("window, libraries", 0, map.top.window + 14);
  lanes.forEach((lane, k) => {
    const y = map.top.lanes + k * map.laneHeight;
    c.fillStyle = colours.muted;
    c.fillText(lane.title, 0, y + map.laneHeight / 2);
    c.beginPath();
    c.moveTo(kGutter, y + 0.5);
    c.lineTo(width - kRight, y + 0.5);
    c.stroke();
  });
}

function drawWindow(c, x, bottom) {
  const run = view.run;
  if (run.window) {
    const a = x(run.window[0]),
      b = Math.max(x(run.window[1]), a + 1);
    c.fillStyle = colours.window;
    c.fillRect(a, map.top.window, b - a, bottom - map.top.window);
    c.strokeStyle = colours["window-edge"];
    c.strokeRect(a + 0.5, map.top.window + 0.5, b - a - 1, bottom - map.top.window - 1);
    label(c, "window, " + size(run.window[1] - run.window[0]), a + 6, b - 6, map.top.window + 11, colours.muted);
  }
  if (run.anchor) {
    const a = x(run.anchor[0]),
      b = Math.max(x(run.anchor[1]), a + kLeastPixels);
    hatch(c, a, map.top.window + 4, b - a, 22, colours.anchor);
  }
}

// Where the callers' libraries lie, as far as their calls tell; names where there is room.
function drawModules(c, x, width) {
  let taken = kGutter;
  c.font = "11px " + colours.sans;
  for (const module of view.run.data.modules) {
    const a = x(module.begin),
      b = Math.max(x(module.end), a + kLeastPixels);
    if (b < kGutter || a > width) continue;
    c.fillStyle = colours.anchor;
    c.fillRect(a, map.top.window + 20, b - a, 7);
    const name = base(module.module),
      needs = c.measureText(name).width;
    const at = Math.max(a, taken);
    if (at > a + 40 || at + needs > width - kRight) continue;
    c.fillText(visible(name), at, map.top.window + 33);
    taken = at + needs + 12;
  }
}

// Marks that fall on the same pixels are drawn once: a hundred thousand cost what the screen is wide.
function drawLane(c, x, width, lane, k) {
  const run = view.run,
    y = map.top.lanes + k * map.laneHeight + (map.laneHeight - map.barHeight) / 2;
  const colour = colours[lanes[k].colour];
  const passes = view.ever
    ? [
        [0.3, (i) => run.placed.died[i] >= 0],
        [0.95, (i) => run.placed.died[i] < 0],
      ]
    : [[0.95, (i) => run.isThere(i, view.moment)]];
  for (const [alpha, wanted] of passes) {
    let from = NaN,
      to = NaN;
    c.globalAlpha = alpha;
    c.fillStyle = colour;
    for (const i of lane) {
      if (!wanted(i)) continue;
      const a = x(run.placed.begin[i]),
        b = Math.max(x(run.end(i)), a + kLeastPixels);
      if (b < kGutter || a > width) continue;
      if (a <= to + 0.3) {
        to = Math.max(to, b);
        continue;
      }
      if (!isNaN(from)) c.fillRect(from, y, to - from, map.barHeight);
      from = a;
      to = b;
    }
    if (!isNaN(from)) c.fillRect(from, y, to - from, map.barHeight);
  }
  c.globalAlpha = 1;
  drawOutside(c, x, width, lane, y);
}

function drawOutside(c, x, width, lane, y) {
  const run = view.run;
  let last = NaN;
  c.strokeStyle = c.fillStyle = colours.bad;
  c.lineWidth = 1.5;
  for (const i of lane) {
    if (!run.isOutside(i) || (!view.ever && !run.isThere(i, view.moment))) continue;
    const a = x(run.placed.begin[i]),
      b = Math.max(x(run.end(i)), a + kLeastPixels);
    if (b < kGutter || a > width || a - last < 2) continue;
    last = a;
    c.strokeRect(a - 1, y - 1.5, b - a + 2, map.barHeight + 3);
  }
  c.lineWidth = 1;
}

function drawUnseen(c, x) {
  const y = map.top.lanes + (map.laneHeight - map.barHeight) / 2;
  for (const [begin, end] of view.run.data.unseen) {
    const a = x(begin);
    hatch(c, a, y, Math.max(x(end) - a, kLeastPixels), map.barHeight, colours.bad);
  }
}

// How far delta32 reaches from the mapping under the pointer, and which one it is.
function drawHover(c, x, bottom) {
  if (view.hover < 0) return;
  const run = view.run,
    i = view.hover,
    reach = run.report.reach.delta32;
  const y = map.top.lanes + run.laneOf(i) * map.laneHeight + (map.laneHeight - map.barHeight) / 2;
  const a = x(run.placed.begin[i]),
    b = Math.max(x(run.end(i)), a + kLeastPixels);
  c.strokeStyle = colours.ink;
  c.lineWidth = 1.5;
  c.strokeRect(a - 2, y - 2, b - a + 4, map.barHeight + 4);
  c.lineWidth = 1;
  if (!run.placed.jit[i]) return;
  c.setLineDash([4, 3]);
  c.strokeStyle = colours.muted;
  for (const edge of [run.placed.begin[i] + reach.limit, run.end(i) - 1 - reach.limit]) {
    const px = Math.round(x(edge)) + 0.5;
    c.beginPath();
    c.moveTo(px, map.top.window);
    c.lineTo(px, bottom);
    c.stroke();
  }
  c.setLineDash([]);
}

function drawPair(c, x, width) {
  const pair = view.run.worstPair();
  if (pair === null) {
    label(
      c,
      "no two mappings of one engine were there at the same time",
      kGutter,
      width,
      map.top.pair + 18,
      colours.muted,
    );
    return;
  }
  const over = pair.reach.worst > pair.reach.limit;
  const all = union(pair.from, pair.to);
  const colour = over ? (pair.guilty ? colours.bad : colours.doubt) : colours.good;
  const a = Math.max(x(all[0]), kGutter + 1),
    b = Math.min(Math.max(x(all[1]), a + 3), width - kRight - 1);
  const y = map.top.pair + 27;
  c.strokeStyle = c.fillStyle = colour;
  c.lineWidth = 1.5;
  if (b > kGutter && a < width) {
    c.beginPath();
    c.moveTo(a, y + 7);
    c.lineTo(a, y);
    c.lineTo(b, y);
    c.lineTo(b, y + 7);
    c.stroke();
  }
  c.lineWidth = 1;
  const text =
    distance(pair.reach.worst, pair.reach.limit) +
    " apart; " +
    pair.name +
    " reaches " +
    size(pair.reach.limit) +
    (over ? (pair.guilty ? ": out of reach" : ", which does not bind here") : ": within reach");
  c.font = "600 12px " + colours.sans;
  const needs = c.measureText(text).width;
  const at = Math.max(kGutter, Math.min((a + b) / 2 - needs / 2, width - kRight - needs));
  c.fillText(text, at, map.top.pair + 14);
}

function label(c, text, from, to, y, colour) {
  c.font = "12px " + colours.sans;
  c.fillStyle = colour;
  c.textAlign = "left";
  const at = Math.max(from, kGutter + 6);
  if (c.measureText(text).width <= to - at) c.fillText(text, at, y);
}

function hatch(c, x, y, width, height, colour) {
  c.save();
  c.beginPath();
  c.rect(x, y, width, height);
  c.clip();
  c.strokeStyle = colour;
  c.globalAlpha = 0.75;
  c.strokeRect(x + 0.5, y + 0.5, Math.max(width - 1, 1), height - 1);
  const from = Math.max(x, kGutter),
    to = Math.min(x + width, 4000);
  c.beginPath();
  for (let at = from - height - (from % 5); at < to; at += 5) {
    c.moveTo(at, y + height);
    c.lineTo(at + height, y);
  }
  c.stroke();
  c.restore();
}

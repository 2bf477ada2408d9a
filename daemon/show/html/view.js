// What map and chart look at together: one range of addresses, and one moment.

const kGutter = 118; // CSS pixels left of both, for names
const kRight = 14;
const kLeast = 256; // bytes: nobody needs to zoom further
const kMost = 2 ** 57;

const view = {
  run: null,
  low: 0,
  high: 1, // addresses
  moment: 0, // call number
  ever: true, // all that ever was, not what was there at the moment
  chosen: -1, // a call
  hover: -1, // a placement
  listeners: [],
  waiting: false,
};

// Draws once, however often it was asked.
function redraw() {
  if (view.waiting) return;
  view.waiting = true;
  requestAnimationFrame(() => {
    view.waiting = false;
    for (const listener of view.listeners) listener();
  });
}

function look(low, high) {
  let width = Math.min(Math.max(high - low, kLeast), kMost);
  const middle = (low + high) / 2;
  view.low = Math.max(middle - width / 2, -width / 2);
  view.high = view.low + width;
  redraw();
}

// With some room around; a range of null changes nothing.
function lookAt(range, room = 0.06) {
  if (range === null) return;
  const width = Math.max(range[1] - range[0], kLeast);
  look(range[0] - width * room, range[1] + width * room);
}

function zoom(factor, around = (view.low + view.high) / 2) {
  const width = Math.min(Math.max((view.high - view.low) * factor, kLeast), kMost);
  const part = (around - view.low) / (view.high - view.low);
  view.low = around - part * width;
  view.high = view.low + width;
  redraw();
}

function pan(part) {
  const by = (view.high - view.low) * part;
  view.low += by;
  view.high += by;
  redraw();
}

function setMoment(call) {
  view.moment = Math.max(0, Math.min(call, Math.max(view.run.total - 1, 0)));
  view.ever = false;
  redraw();
}

// The views that buttons offer.
function presets(run) {
  const jit = run.hull((i) => run.placed.jit[i] === 1);
  const window = union(run.window, run.anchor);
  const pair = run.worstPair();
  const libraries = run.data.modules.map((m) => [m.begin, m.end]);
  return {
    jit: jit || window || run.hull(() => true),
    window,
    pair: pair ? union(pair.from, pair.to) : null,
    all: union(
      run.hull(() => true),
      window,
      ...libraries,
    ),
  };
}

// Where round numbers lie between two addresses: at most `most` of them.
function ticks(low, high, most) {
  const step = 2 ** Math.ceil(Math.log2((high - low) / most));
  const out = [];
  for (let at = Math.ceil(low / step) * step; at <= high && out.length < 100; at += step) if (at >= 0) out.push(at);
  return {step, out};
}

// The whole of it as one strip above the map, and where in it the map looks.

function overviewRange() {
  const p = presets(view.run);
  const range = union(p.jit, p.window) || p.all || [0, 2 ** 47];
  const room = (range[1] - range[0]) * 0.02 + 1;
  return [range[0] - room, range[1] + room];
}

function drawOverview() {
  const {context: c, width, height} = prepare($("overview"));
  const run = view.run,
    [low, high] = overviewRange();
  const x = (address) => kGutter + ((address - low) / (high - low)) * (width - kGutter - kRight);
  c.fillStyle = colours.hover;
  c.fillRect(kGutter, 0, width - kGutter - kRight, height);
  c.font = "12px " + colours.sans;
  c.fillStyle = colours.muted;
  c.fillText("all of it, " + size(high - low), 0, height / 2);
  c.save();
  c.beginPath();
  c.rect(kGutter, 0, width - kGutter - kRight, height);
  c.clip();
  if (run.window) {
    c.fillStyle = colours.window;
    c.fillRect(x(run.window[0]), 0, x(run.window[1]) - x(run.window[0]), height);
  }
  if (run.anchor)
    hatch(c, x(run.anchor[0]), 0, Math.max(x(run.anchor[1]) - x(run.anchor[0]), 2), height, colours.anchor);
  for (const k of [2, 1, 0]) {
    c.fillStyle = colours[lanes[k].colour];
    let last = NaN;
    for (const i of run.lanes[k]) {
      const a = x(run.placed.begin[i]),
        b = Math.max(x(run.end(i)), a + kLeastPixels);
      if (b <= last + 0.3) continue;
      c.fillRect(a, 5, b - a, height - 10);
      last = b;
    }
  }
  const a = Math.max(x(view.low), kGutter),
    b = Math.min(Math.max(x(view.high), a + 4), width - kRight);
  c.strokeStyle = colours.ink;
  c.lineWidth = 1.5;
  if (b > a) c.strokeRect(a + 0.75, 0.75, b - a - 1.5, height - 1.5);
  c.restore();
}

// The calls: sorted and filtered as a list of indices, of which only the rows in sight are drawn.

const kRow = 26;
const kMostTall = 15_000_000; // CSS pixels: browsers end elements at some 16 to 33 million

const columns = [
  {key: "ticket", title: "#", number: true},
  {key: "time", title: "seconds", number: true},
  {key: "call", title: "call"},
  {key: "address", title: "address", mono: true},
  {key: "length", title: "size", number: true},
  {key: "became", title: "what became of it"},
  {key: "prot", title: "prot", mono: true},
  {key: "kind", title: "taken for"},
  {key: "caller", title: "caller"},
  {key: "thread", title: "thread", number: true},
];

const table = {order: [], sort: "ticket", down: false, text: "", call: -1, outcome: -1, callers: []};

function cell(run, key, i) {
  const c = run.calls;
  switch (key) {
    case "ticket":
      return count(c.ticket[i]);
    case "time":
      return seconds(c.time[i]);
    case "call":
      return names.calls[c.call[i]] || "?";
    case "address":
      return c.address[i] ? hex(c.address[i]) : "";
    case "length":
      return c.length[i] ? size(c.length[i]) : "";
    case "became":
      return run.becameText(i);
    case "prot":
      return c.prot[i] || c.call[i] === 1 || c.call[i] === 6 ? protection(c.prot[i]) : "";
    case "kind":
      return c.kind[i] ? names.kinds[c.kind[i]] : "";
    case "caller":
      return c.caller[i] ? table.callers[c.caller[i]] : "";
    default:
      return c.thread[i] ? String(c.thread[i]) : "";
  }
}

function sortCalls() {
  const run = view.run,
    c = run.calls;
  const ranks = {};
  if (table.sort === "caller") {
    const sorted = table.callers.map((text, i) => [text, i]).sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    sorted.forEach(([, i], rank) => {
      ranks[i] = rank;
    });
  }
  const value =
    table.sort === "caller"
      ? (i) => ranks[c.caller[i]]
      : table.sort === "became"
        ? (i) => c.outcome[i] * 256 + c.reason[i]
        : (
            (column) => (i) =>
              column[i]
          )(c[table.sort]);
  const sign = table.down ? -1 : 1;
  table.order.sort((a, b) => sign * (value(a) - value(b)) || a - b);
}

function filterCalls() {
  const run = view.run,
    c = run.calls,
    order = [],
    text = table.text.trim().toLowerCase();
  const callerHas = table.callers.map((t) => t.toLowerCase().includes(text));
  for (let i = 0; i < run.total; ++i) {
    if (table.call >= 0 && c.call[i] !== table.call) continue;
    if (table.outcome >= 0 && c.outcome[i] !== table.outcome) continue;
    if (
      text !== "" &&
      !callerHas[c.caller[i]] &&
      !hex(c.address[i]).includes(text) &&
      !names.calls[c.call[i]].includes(text) &&
      !run.becameText(i).includes(text) &&
      String(c.thread[i]) !== text &&
      String(c.ticket[i]) !== text
    )
      continue;
    order.push(i);
  }
  table.order = order;
  sortCalls();
  drawCalls(true);
}

function drawCalls(fromTop) {
  const run = view.run,
    body = table.body,
    tall = Math.min(table.order.length * kRow, kMostTall);
  table.space.style.height = tall + "px";
  if (fromTop) body.scrollTop = 0;
  const shown = table.order.length,
    all = run.data.events;
  table.counter.textContent =
    shown === all
      ? counted(all, "call")
      : `${count(shown)} of ${counted(all, "call")}` +
        (run.total < all ? `; the page carries the first ${count(run.total)}` : "");
  table.grid.setAttribute("aria-rowcount", String(shown + 1));
  // Beyond what an element can be tall, a pixel of scrolling is more than one of rows.
  const most = Math.max(tall - body.clientHeight, 1),
    room = Math.max(shown * kRow - body.clientHeight, 0);
  const offset = tall < shown * kRow ? (body.scrollTop / most) * room : body.scrollTop;
  const first = Math.max(0, Math.floor(offset / kRow) - 4),
    last = Math.min(shown, first + Math.ceil(body.clientHeight / kRow) + 9);
  const rows = [];
  for (let n = first; n < last; ++n) {
    const i = table.order[n];
    const outcome = run.calls.outcome[i];
    const row = make(
      "div",
      {
        className:
          "row" +
          (i === view.chosen ? " chosen" : "") +
          (outcome === outcomes.fellBack || outcome === outcomes.failed ? " fell" : ""),
        role: "row",
        "aria-rowindex": String(n + 2),
      },
      ...columns.map((column) =>
        make(
          "span",
          {
            role: "cell",
            className: (column.number ? "number" : "") + (column.mono ? " mono" : ""),
            title: column.key === "caller" || column.key === "became" ? visible(cell(run, column.key, i)) : "",
          },
          cell(run, column.key, i),
        ),
      ),
    );
    row.dataset.call = String(i);
    row.style.top = body.scrollTop + n * kRow - offset + "px";
    rows.push(row);
  }
  if (shown === 0)
    rows.push(
      make(
        "div",
        {className: "none"},
        run.total === 0 ? "No call was recorded of this process." : "No call is like that.",
      ),
    );
  table.space.replaceChildren(...rows);
}

// Marks a call, goes to its moment, and has the map look at it if it does not.
function chooseCall(i, scroll) {
  view.chosen = i;
  setMoment(i);
  const c = view.run.calls,
    begin = c.address[i],
    end = begin + c.length[i];
  if (begin > 0 && (end < view.low || begin > view.high)) lookAt(union([view.low, view.high], [begin, end]), 0.02);
  if (scroll) {
    const n = table.order.indexOf(i);
    if (n >= 0) table.body.scrollTop = Math.max(0, n * kRow - table.body.clientHeight / 2);
  }
  drawCalls(false);
}

function makeCalls() {
  const select = (label, list, onchoice) =>
    make(
      "select",
      {
        "aria-label": label,
        onchange: (e) => {
          onchoice(Number(e.target.value));
          filterCalls();
        },
      },
      make("option", {value: "-1"}, label),
      ...list.map((name, i) => make("option", {value: String(i)}, name)).filter((_, i) => list[i] !== "none"),
    );
  table.counter = make("span", {className: "count", role: "status", id: "calls-count"});
  let waiting = 0;
  const search = make("input", {
    type: "search",
    placeholder: "caller, address, reason …",
    "aria-label": "Filter the calls",
    id: "calls-filter",
    oninput: () => {
      table.text = search.value;
      clearTimeout(waiting);
      waiting = setTimeout(filterCalls, 60);
    },
  });
  $("calls-tools").replaceChildren(
    table.counter,
    search,
    select("every call", names.calls, (n) => {
      table.call = n;
    }),
    select("every outcome", names.outcomes, (n) => {
      table.outcome = n;
    }),
  );

  const heads = columns.map((column) =>
    make(
      "div",
      {role: "columnheader", className: column.number ? "number" : ""},
      make("button", {type: "button", onclick: () => sortBy(column.key)}, column.title),
    ),
  );
  function sortBy(key) {
    table.down = table.sort === key ? !table.down : false;
    table.sort = key;
    heads.forEach((head, k) => {
      if (columns[k].key === key) head.setAttribute("aria-sort", table.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    sortCalls();
    drawCalls(true);
  }
  heads[0].setAttribute("aria-sort", "ascending");
  table.space = make("div", {className: "space", role: "rowgroup"});
  table.body = make(
    "div",
    {className: "body", tabIndex: 0, "aria-label": "Calls; arrows move, Enter marks", onscroll: () => drawCalls(false)},
    table.space,
  );
  table.grid = make(
    "div",
    {className: "grid", role: "table", "aria-label": "Calls"},
    make("div", {className: "head", role: "row"}, ...heads),
    table.body,
  );
  table.space.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (row) chooseCall(Number(row.dataset.call), false);
  });
  table.body.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const at = table.order.indexOf(view.chosen);
    const next = Math.max(0, Math.min(table.order.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)));
    if (table.order.length === 0) return;
    event.preventDefault();
    const top = next * kRow;
    if (top < table.body.scrollTop) table.body.scrollTop = top;
    if (top + kRow > table.body.scrollTop + table.body.clientHeight)
      table.body.scrollTop = top + kRow - table.body.clientHeight;
    chooseCall(table.order[next], false);
  });
  $("calls-table").replaceChildren(table.grid);
}

function showCalls(run) {
  table.callers = run.data.callers.map((_, i) => run.callerText(i));
  filterCalls();
}

"use strict";
// What all parts of the page share: the data, and how elements are made. Text from the data comes
// into the page by textContent alone, and never unseen: see visible() in format.js.

const page = JSON.parse(document.getElementById("data").textContent);
const names = page.names;

function $(id) {
  return document.getElementById(id);
}

// make("p", {className: "next"}, "text", element): an element; strings become text.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-") || name === "role") element.setAttribute(name, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element[name] = value;
  }
  element.append(...children.filter((c) => c !== null).map((c) => (typeof c === "string" ? visible(c) : c)));
  return element;
}

// Rows of cells as a table. columns: [{title, number, mono}]; a cell is a string or an element.
function makeTable(columns, rows, rowClass = () => "") {
  const kind = (c) => (c.number ? "number" : "text") + (c.mono ? " mono" : "");
  const head = make("tr", {}, ...columns.map((c) => make("th", {className: kind(c), scope: "col"}, c.title)));
  const body = rows.map((row, i) =>
    make("tr", {className: rowClass(i)}, ...row.map((cell, k) => make("td", {className: kind(columns[k])}, cell))),
  );
  return make("div", {className: "scroll"}, make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

// Buttons of which one is pressed. choices: [[value, text]].
function makeGroup(label, choices, chosen, onchoice) {
  const buttons = choices.map(([value, text]) =>
    make(
      "button",
      {
        type: "button",
        "aria-pressed": String(value === chosen),
        onclick: () => {
          press(value);
          onchoice(value);
        },
      },
      text,
    ),
  );
  function press(value) {
    choices.forEach(([v], i) => buttons[i].setAttribute("aria-pressed", String(v === value)));
  }
  const group = make("span", {className: "group", role: "group", "aria-label": label}, ...buttons);
  group.press = press;
  return group;
}

// The colours of the style in force, for what is drawn.
let colours = {};
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of [
    "panel",
    "ink",
    "muted",
    "faint",
    "line",
    "code",
    "rodata",
    "rwdata",
    "mixed",
    "unknown",
    "window",
    "window-edge",
    "anchor",
    "bad",
    "good",
    "doubt",
    "sans",
    "mono",
    "hover",
  ])
    colours[name] = style.getPropertyValue("--" + name).trim();
}

// A canvas as sharp as the screen; what is drawn is in CSS pixels.
function prepare(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth,
    height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.textBaseline = "middle";
  return {context, width, height};
}

function showTip(event, lines) {
  const tip = $("tip");
  tip.replaceChildren(...lines);
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(8, Math.min(event.clientX + 14, innerWidth - box.width - 8)) + "px";
  tip.style.top =
    (event.clientY + 18 + box.height > innerHeight ? event.clientY - box.height - 12 : event.clientY + 18) + "px";
}
function hideTip() {
  $("tip").hidden = true;
}

// Numbers and names as people read them; the same words as the text report.

function hex(address) {
  return "0x" + address.toString(16);
}

function count(n) {
  return n.toLocaleString("en-US");
}

function counted(n, one, many) {
  return count(n) + " " + (n === 1 ? one : many || one + "s");
}

function size(bytes) {
  if (bytes < 1024) return counted(bytes, "byte");
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let value = bytes / 1024,
    unit = 0;
  for (; value >= 1023.5 && unit + 1 < units.length; ++unit) value /= 1024;
  return value.toFixed(value < 9.95 ? 1 : 0).replace(/\.0$/, "") + " " + units[unit];
}

// A distance beyond its limit is never written as the limit itself.
function distance(bytes, limit) {
  const text = size(bytes);
  return bytes <= limit || text !== size(limit) ? text : text + " + " + size(bytes - limit);
}

function duration(nanos) {
  if (nanos < 1e3) return nanos + " ns";
  if (nanos < 1e6) return (nanos / 1e3).toFixed(1) + " µs";
  if (nanos < 1e9) return (nanos / 1e6).toFixed(nanos < 1e7 ? 2 : 1) + " ms";
  if (nanos < 6e10) return (nanos / 1e9).toFixed(2) + " s";
  const s = Math.floor(nanos / 1e9);
  if (s < 3600) return Math.floor(s / 60) + " min " + (s % 60) + " s";
  if (s < 86400) return Math.floor(s / 3600) + " h " + (Math.floor(s / 60) % 60) + " min";
  return Math.floor(s / 86400) + " d " + (Math.floor(s / 3600) % 24) + " h";
}

// When a moment was, in one unit for a whole column: seconds with microseconds.
function seconds(nanos) {
  return (nanos / 1e9).toFixed(6);
}

function base(path) {
  return path.replace(/\/+$/, "").split("/").pop() || path;
}

function localTime(iso) {
  const date = new Date(iso);
  if (isNaN(date)) return iso;
  const two = (n) => String(n).padStart(2, "0");
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  );
}

function protection(bits) {
  return (bits & 1 ? "r" : "-") + (bits & 2 ? "w" : "-") + (bits & 4 ? "x" : "-");
}

// Parameters tell nobody anything here, and take the line.
function withoutParameters(symbol) {
  if (!symbol.endsWith(")") || symbol.endsWith("operator()")) return symbol;
  let depth = 0;
  for (let i = symbol.length - 1; i > 0; --i) {
    if (symbol[i] === ")") ++depth;
    if (symbol[i] === "(" && --depth === 0) return symbol.slice(0, i);
  }
  return symbol;
}

// Control characters, characters that turn the direction of text, and invisible ones, written out.
function visible(text) {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udfff]/gu,
    (c) => "\\u{" + c.codePointAt(0).toString(16) + "}",
  );
}

function verdictTone(verdict) {
  if (verdict === "within-reach" || verdict === "no-jit") return "good";
  return verdict === "at-risk" || verdict === "out-of-reach" ? "bad" : "doubt";
}

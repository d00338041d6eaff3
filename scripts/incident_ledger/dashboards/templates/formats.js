"use strict";
// How a value is shown. What is not known is a dash, and never 0.
const DASH = "–";
const decimals = (value, most) => value.toLocaleString("en-US", {maximumFractionDigits: most});
const FORMATS = {
  text: value => String(value),
  integer: value => decimals(value, 0),
  number: value => decimals(value, Math.abs(value) < 100 ? 2 : 0),
  percent(value) {
    if (value > 0 && value < 0.01) return "under 0.01 %";
    if (value > 99.99 && value < 100) return "over 99.99 %";
    return decimals(value, 2) + " %";
  },
  minutes(value) {
    const length = Math.abs(value), sign = value < 0 ? "-" : "";
    if (length > 0 && length < 0.1) return sign + decimals(length, 3) + " min";
    if (length < 59.95) return sign + decimals(length, 1) + " min";
    const whole = Math.floor(length + 0.05), hours = Math.floor(whole / 60);
    if (hours < 48) return sign + hours + " h" + (whole % 60 ? " " + whole % 60 + " min" : "");
    return sign + decimals(Math.floor(hours / 24), 0) + " d" + (hours % 24 ? " " + hours % 24 + " h" : "");
  },
  time: value => value.slice(0, 16).replace("T", " "),
  date: value => value,
  month: value => value.slice(0, 7),
  severity: value => String(value),
  state: value => String(value),
  incident: value => String(value),
};
const NUMERIC = new Set(["integer", "number", "percent", "minutes"]);
const shown = (value, format) => value === null || value === undefined ? DASH : FORMATS[format](value);
// The value itself where it is shown in another unit or rounded.
const exact = (value, format) => format === "minutes" ? value + " minutes" : format === "percent" ? value + " %" : String(value);

const STATES = [
  ["bad", /overdue|^late$|failed|^bad$|undeliverable|^missed|^holds|^held|^not allowed|^open to all/],
  ["warn", /running|^due$|warning|not acknowledged|not known|pending|to come|^not watched|^due soon/],
  ["good", /^ok$|^sent$|^done$|on time|^kept|^acknowledged|good again|in force|^watched|^allowed|^rotated|^succeeded|^closed$/],
];
const stateClass = text => (STATES.find(([, words]) => words.test(text)) || [""])[0];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== false) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
function graphic(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
// A long name may be broken after its dots, slashes and underscores, and a very long word anywhere.
const LONG_WORD = /\S{25}/;
const breakable = text => text.split(/(?<=[._:\/-])(?=[^._:\/-])/)
  .flatMap(part => LONG_WORD.test(part) ? part.match(/\S{1,12}\s*|\s+/g) : [part])
  .flatMap(part => [part, document.createElement("wbr")]).slice(0, -1);
const cut = (text, most) => text.length > most ? text.slice(0, most - 1) + "…" : text;
// What distinguishes names is most often their end.
const cutWithin = (text, most) => text.length > most ? text.slice(0, Math.floor(most / 3)) + "…" + text.slice(text.length - most + Math.floor(most / 3) + 1) : text;

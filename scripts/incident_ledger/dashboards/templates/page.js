// A page: what its filters choose of each card's rows, drawn. Nothing is added up here: a filter picks rows.
const page = JSON.parse(document.getElementById("data").textContent);
const ALL = "all";
const MOST_PRINTED = 24;
const choice = Object.fromEntries(page.filters.map(name => [name, ALL]));
const PERIODS = value => value === ALL ? Infinity : Number(value);

function unpacked(card) {
  const columns = Object.entries(card.data).map(([name, packed]) => [name, Array.isArray(packed) ? packed : packed.places.map(place => packed.values[place])]);
  return Array.from({length: card.length}, (_, place) => Object.fromEntries(columns.map(([name, values]) => [name, values[place]])));
}
for (const card of page.cards) {
  card.rows = unpacked(card);
  card.column = name => card.columns.find(each => each.name === name);
  card.sort = null;
}

function chosenRows(card) {
  return card.rows.filter(row => Object.entries(card.filterBy).every(([name, how]) => {
    const value = row[name + "_filter"], wanted = choice[name];
    if (how === "combinations") return value === wanted;
    if (wanted === ALL) return true;
    return name === "period" ? PERIODS(value) <= PERIODS(wanted) : value === wanted;
  }));
}

function cellOf(value, column) {
  const text = shown(value, column.format), known = value !== null && value !== undefined;
  if (!known) return element("td", {class: NUMERIC.has(column.format) ? "number" : "name"}, text);
  if (column.format === "severity") return element("td", {}, element("span", {class: "severity " + (/^P[0-3]$/.test(text) ? text.toLowerCase() : "")}, text));
  if (column.format === "state") return element("td", {}, element("span", {class: "state " + stateClass(text)}, text));
  if (column.format === "incident") {
    const href = Object.hasOwn(page.incidents, value) ? page.incidents[value] : null;
    const parts = text.split(/(?<=Z-)/).flatMap((part, place) => place ? [document.createElement("wbr"), part] : [part]);
    return element("td", {class: "id"}, ...(href ? [element("a", {href}, ...parts)] : parts));
  }
  if (column.format === "text") return element("td", {class: text.length > 60 ? "long" : "name"}, ...breakable(text));
  return element("td", {class: NUMERIC.has(column.format) ? "number" : false, title: NUMERIC.has(column.format) ? exact(value, column.format) : false}, text);
}

function sorted(card, rows) {
  if (!card.sort) return rows;
  const {name, isDown} = card.sort;
  const compare = (one, other) => typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other), "en");
  const isKnown = row => row[name] !== null && row[name] !== undefined;
  const known = rows.filter(isKnown).sort((one, other) => compare(one[name], other[name]) * (isDown ? -1 : 1));
  return [...known, ...rows.filter(row => !isKnown(row))];
}

function tableOf(card, rows, redraw) {
  const head = element("tr");
  for (const column of card.columns) {
    const isSorted = card.sort && card.sort.name === column.name;
    const button = element("button", {type: "button"}, column.title);
    button.addEventListener("click", () => {
      card.sort = {name: column.name, isDown: isSorted ? !card.sort.isDown : NUMERIC.has(column.format)};
      redraw(column.name);
    });
    head.append(element("th", {scope: "col", class: NUMERIC.has(column.format) ? "number" : false, "data-column": column.name, "aria-sort": isSorted ? (card.sort.isDown ? "descending" : "ascending") : "none"}, button));
  }
  const body = element("tbody");
  for (const row of sorted(card, rows)) body.append(element("tr", {}, ...card.columns.map(column => cellOf(row[column.name], column))));
  return element("div", {class: "scroll", tabindex: "0", role: "group", "aria-label": card.title}, element("table", {}, element("thead", {}, head), body));
}

function sentenceOf(card, row) {
  const inSentence = [...card.sentence.matchAll(/\{(\w+)\}/g)].map(found => found[1]);
  if (!row || !row[inSentence[0]]) return [element("p", {class: "big calm"}, card.empty)];
  const words = card.sentence.replace(/\{(\w+)\}/g, (_, name) => shown(row[name], card.column(name).format));
  const small = element("p", {class: "small"});
  for (const column of card.columns.filter(each => !inSentence.includes(each.name))) small.append(element("span", {}, `${column.title}: ${shown(row[column.name], column.format)}`));
  return [element("p", {class: "big"}, words), small];
}

function figuresOf(card, row) {
  const list = element("dl", {class: "figures"});
  for (const column of card.columns) {
    const value = row[column.name], title = value === null ? "not known" : exact(value, column.format);
    list.append(element("div", {}, element("dt", {}, column.title), element("dd", {title, "data-column": column.name}, shown(value, column.format))));
  }
  return [list];
}

function chartOf(card, rows, width, isOpen) {
  const values = rows.flatMap(row => card.y.map(name => row[name])).filter(value => value !== null && value !== undefined);
  let drawn;
  if (!values.length) drawn = [element("p", {class: "empty"}, "No value is known.")];
  else if (card.chart !== "lines" && values.every(value => value === 0)) drawn = [element("p", {class: "empty"}, "Every value is 0.")];
  else {
    const {picture, series} = DRAWN[card.chart](card, rows, width);
    picture.setAttribute("aria-label", `${card.title}: a chart; the table below it has its values.`);
    drawn = [...(series.length > 1 ? [legend(series, card.chart)] : []), picture];
  }
  const details = element("details", {class: "data"}, element("summary", {}, "Table"));
  details.open = isOpen;
  details.append(tableOf(card, rows, name => draw(card, name)));
  return [...drawn, details];
}

function noteOf(card, rows) {
  const words = [];
  const ignored = page.filters.filter(name => choice[name] !== ALL && !(name in card.filterBy));
  if (ignored.length) words.push(`Not filtered by ${ignored.join(", ")}.`);
  if (card.total !== null && card.total > card.length) words.push(`The first ${card.length.toLocaleString("en-US")} of ${card.total.toLocaleString("en-US")}.`);
  if (card.series && DRAWN[card.chart]) {
    const of = new Set(rows.map(row => row[card.series])).size;
    if (of > MOST_SERIES) words.push(`The ${MOST_SERIES} highest of ${of} are drawn; the table has all.`);
  }
  return words.join(" ");
}

function draw(card, sortedBy) {
  const place = document.getElementById(card.card), body = place.querySelector(".body");
  const isOpen = Boolean(body.querySelector("details.data[open]"));
  const rows = card.error ? [] : chosenRows(card);
  let content;
  if (card.error) content = [element("p", {class: "failed", role: "alert"}, "This card could not be computed: " + card.error)];
  else if (card.chart === "sentence") content = sentenceOf(card, rows[0]);
  else if (!rows.length) content = [element("p", {class: "empty"}, card.empty)];
  else if (card.chart === "numbers") content = figuresOf(card, rows[0]);
  else if (card.chart === "table") content = [tableOf(card, rows, name => draw(card, name))];
  else content = chartOf(card, rows, Math.max(body.clientWidth || FALLBACK_WIDTH, 260), isOpen);
  body.replaceChildren(...content);
  const note = place.querySelector(".note");
  note.textContent = noteOf(card, rows);
  note.hidden = !note.textContent;
  place.dataset.drawn = card.error ? "failed" : rows.length ? "rows" : "empty";
  if (sortedBy) body.querySelector(`th[data-column="${sortedBy}"] button`).focus();
}
const drawAll = () => page.cards.forEach(card => draw(card));

const PERIOD_NAMES = {all: "All time", 7: "Last 7 days", 30: "Last 30 days", 90: "Last 90 days", 365: "Last 365 days"};
function optionName(filter, value) {
  if (filter === "period") return PERIOD_NAMES[value] || `Last ${value} days`;
  if (value === ALL) return "All";
  if (filter !== "component") return value;
  return value === "other" ? "Other components" : value === "none" ? "Without a component" : cut(value.slice(1), 60);
}
function optionsOf(filter) {
  const found = new Set();
  for (const card of page.cards) if (filter in card.filterBy) for (const row of card.rows) found.add(row[filter + "_filter"]);
  found.delete(ALL); found.delete(null); found.delete(undefined);
  const values = [...found];
  if (filter === "period") return [ALL, ...values.sort((one, other) => Number(other) - Number(one))];
  const isLast = value => filter === "component" && !value.startsWith("=");
  return [ALL, ...values.sort((one, other) => isLast(one) - isLast(other) || one.localeCompare(other, "en"))];
}

function setUp() {
  const form = document.getElementById("filters");
  if (form) {
    const wished = new URLSearchParams(location.hash.slice(1));
    for (const filter of page.filters) {
      const select = form.elements[filter];
      for (const value of optionsOf(filter)) select.append(element("option", {value}, optionName(filter, value)));
      if ([...select.options].some(each => each.value === wished.get(filter))) choice[filter] = wished.get(filter);
      select.value = choice[filter];
    }
    const chosen = () => page.filters.filter(name => choice[name] !== ALL);
    const words = () => "Filtered by " + chosen().map(name => `${name}: ${optionName(name, choice[name])}`).join(", ");
    const apply = () => {
      for (const filter of page.filters) choice[filter] = form.elements[filter].value;
      history.replaceState(null, "", "#" + new URLSearchParams(chosen().map(name => [name, choice[name]])));
      document.getElementById("status").textContent = chosen().length ? words() : "No filter";
      drawAll();
    };
    if (chosen().length) document.getElementById("status").textContent = words();
    form.addEventListener("change", apply);
    form.addEventListener("submit", event => event.preventDefault());
    form.addEventListener("reset", () => { for (const filter of page.filters) form.elements[filter].value = ALL; setTimeout(() => { for (const filter of page.filters) form.elements[filter].value = ALL; apply(); }); });
  }
  drawAll();
  let width = window.innerWidth, waiting = 0;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => page.cards.filter(card => DRAWN[card.chart]).forEach(card => draw(card)), 100);
  });
  // On paper a chart has its table beneath it, unless that would be pages long; then the note says so.
  window.addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details.data:not([open])")) {
      if (each.querySelectorAll("tbody tr").length > MOST_PRINTED) continue;
      each.open = true;
      each.dataset.printed = "true";
    }
  });
  window.addEventListener("afterprint", () => document.querySelectorAll("details.data[data-printed]").forEach(each => { each.open = false; delete each.dataset.printed; }));
}
setUp();
document.documentElement.dataset.ready = "true";

// Charts: a row is an object by column. Each is a picture with words for who does not see it; its table is beside it.
const MOST_SERIES = 8;
const FALLBACK_WIDTH = 560;

function ticks(highest) {
  if (!(highest > 0)) return [0, 1];
  const rough = highest / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map(each => each * power).find(each => each >= rough);
  const found = [];
  for (let tick = 0; tick < highest + step * 0.999; tick += step) found.push(tick);
  return found;
}
// Of durations the steps are whole minutes, hours or days.
const MINUTE_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440, 2880, 7200, 14400, 43200];
function minuteTicks(highest) {
  const step = MINUTE_STEPS.find(each => highest / each <= 5);
  if (!step || highest < 2) return ticks(highest);
  return Array.from({length: Math.ceil(highest / step) + 1}, (_, place) => place * step);
}

// Every month or day from the first to the last: a gap is seen as one.
function categories(rows, column) {
  const values = [...new Set(rows.map(row => row[column.name]))].filter(each => each !== null).sort();
  if (values.length < 2 || !["date", "month"].includes(column.format)) return values;
  const all = [], last = values[values.length - 1];
  const at = new Date(values[0] + "T00:00:00Z");
  while (all.length < 400) {
    const text = at.toISOString().slice(0, 10);
    if (text > last) break;
    all.push(text);
    if (column.format === "month") at.setUTCMonth(at.getUTCMonth() + 1); else at.setUTCDate(at.getUTCDate() + 1);
  }
  return all;
}

// The series of a chart: by a column's values, or one a measure. Those with the highest values where they are too many.
function seriesOf(card, rows) {
  if (!card.series) return card.y.map(name => ({name: card.column(name).title, value: row => row[name], rows}));
  const names = [...new Set(rows.map(row => row[card.series]))].filter(each => each !== null).sort();
  const measure = card.y[0];
  const highest = name => Math.max(...rows.filter(row => row[card.series] === name).map(row => row[measure] || 0));
  const kept = names.length <= MOST_SERIES ? names
    : names.slice().sort((one, other) => highest(other) - highest(one)).slice(0, MOST_SERIES).sort();
  return kept.map(name => ({name: String(name), value: row => row[measure], rows: rows.filter(row => row[card.series] === name), of: names.length}));
}
const colour = (name, place) => /^P[0-3]$/.test(name) ? name.toLowerCase() : String(place % MOST_SERIES);

function legend(series, kind) {
  const list = element("ul", {class: "legend"});
  series.forEach((each, place) => {
    const key = graphic("svg", {viewBox: "0 0 10 10", "aria-hidden": "true"}, graphic("rect", {width: 10, height: 10, rx: kind === "lines" ? 5 : 2, class: "fill" + colour(each.name, place)}));
    list.append(element("li", {}, key, cut(each.name, 60)));
  });
  return list;
}

function frame(card, width, height, x, highest, format) {
  const left = 58, right = 14, top = 12, bottom = 26;
  const steps = format === "minutes" ? minuteTicks(highest) : ticks(highest), most = steps[steps.length - 1];
  const picture = graphic("svg", {viewBox: `0 0 ${width} ${height}`, role: "img"});
  const up = value => top + (height - top - bottom) * (1 - value / most);
  const band = (width - left - right) / Math.max(x.length, 1);
  const along = place => left + band * (place + 0.5);
  for (const tick of steps) {
    picture.append(graphic("line", {class: tick ? "rule" : "axis", x1: left, x2: width - right, y1: up(tick), y2: up(tick)}));
    picture.append(graphic("text", {x: left - 8, y: up(tick) + 4, "text-anchor": "end"}, shown(tick, format)));
  }
  const xFormat = card.column(card.x).format;
  const label = value => xFormat === "time" ? shown(value, "time").slice(5) : xFormat === "date" ? value.slice(5) : shown(value, xFormat);
  const every = Math.ceil(x.length * 76 / (width - left - right));
  x.forEach((value, place) => {
    if (place % every === 0) picture.append(graphic("text", {x: along(place), y: height - 7, "text-anchor": "middle"}, cut(label(value), 14)));
  });
  for (const mark of card.marks.filter(each => each <= most)) {
    picture.append(graphic("line", {class: "mark", x1: left, x2: width - right, y1: up(mark), y2: up(mark)}));
    picture.append(graphic("text", {class: "marktext", x: width - right, y: up(mark) - 4, "text-anchor": "end"}, shown(mark, format)));
  }
  return {picture, up, along, band};
}

function drawColumns(card, rows, width) {
  const x = categories(rows, card.column(card.x)), series = seriesOf(card, rows), format = card.column(card.y[0]).format;
  const at = series.map(each => new Map(each.rows.map(row => [row[card.x], each.value(row)])));
  const highest = Math.max(...x.map(value => at.reduce((sum, values) => sum + (values.get(value) || 0), 0)));
  const {picture, up, along, band} = frame(card, width, 260, x, highest, format);
  x.forEach((value, place) => {
    let below = 0;
    series.forEach((each, number) => {
      const height = at[number].get(value);
      if (!height) return;
      const wide = Math.min(band * 0.7, 48);
      const bar = graphic("rect", {class: "fill" + colour(each.name, number), x: along(place) - wide / 2, width: wide, y: up(below + height), height: Math.max(up(below) - up(below + height), 0.5)});
      bar.append(graphic("title", {}, `${shown(value, card.column(card.x).format)}, ${cut(each.name, 80)}: ${shown(height, format)}`));
      picture.append(bar);
      below += height;
    });
  });
  return {picture, series};
}

function drawLines(card, rows, width) {
  const x = categories(rows, card.column(card.x)), series = seriesOf(card, rows), format = card.column(card.y[0]).format;
  const highest = Math.max(0, ...card.marks, ...series.flatMap(each => each.rows.map(row => each.value(row) || 0)));
  const {picture, up, along} = frame(card, width, 270, x, highest, format);
  series.forEach((each, number) => {
    const at = new Map(each.rows.map(row => [row[card.x], each.value(row)]));
    let path = "", isPen = false;
    const dots = [];
    x.forEach((value, place) => {
      const height = at.get(value);
      if (height === null || height === undefined) { isPen = false; return; }
      path += `${isPen ? "L" : "M"}${along(place).toFixed(1)} ${up(height).toFixed(1)}`;
      isPen = true;
      const dot = graphic("circle", {class: "fill" + colour(each.name, number), cx: along(place), cy: up(height), r: x.length > 20 ? 2.5 : 3.5});
      dot.append(graphic("title", {}, `${shown(value, card.column(card.x).format)}, ${cut(each.name, 80)}: ${shown(height, format)}`));
      dots.push(dot);
    });
    picture.append(graphic("path", {class: "line" + colour(each.name, number), d: path}), ...dots);
  });
  return {picture, series};
}

function drawBars(card, rows, width) {
  const most = Math.max(...rows.map(row => row[card.y[0]] || 0)), format = card.column(card.y[0]).format;
  const names = Math.min(width * 0.42, 240), row = 27, height = rows.length * row + 4;
  const picture = graphic("svg", {viewBox: `0 0 ${width} ${height}`, role: "img"});
  rows.forEach((each, place) => {
    const value = each[card.y[0]], y = place * row + 3, long = (width - names - 60) * (value || 0) / (most || 1);
    const name = String(each[card.x]);
    const label = graphic("text", {class: "label", x: names - 8, y: y + 15, "text-anchor": "end"}, cutWithin(name, Math.floor((names - 10) / 7.4)));
    label.append(graphic("title", {}, name));
    picture.append(label, graphic("rect", {class: "fill0", x: names, y, width: Math.max(long, 1), height: row - 7, rx: 3}));
    picture.append(graphic("text", {class: "label", x: names + Math.max(long, 1) + 7, y: y + 15}, shown(value, format)));
  });
  return {picture, series: []};
}
const DRAWN = {columns: drawColumns, lines: drawLines, bars: drawBars};

// The trend of an item: choices, picture, tables, downloads, citation.
//
// Belongs here: what a reader changes on the page of an item. Does not belong here: statistics. Every figure comes from
// the page's data (assets/explorer/figures.py says its shape), with one exception that is marked as such: where the
// database has no readings without "don't know", those shares are divisions of published shares and get no interval.
"use strict";
(() => {
  const holder = document.getElementById("data");
  const $ = (id) => document.getElementById(id);
  if (!holder || !$("choices")) return;
  const own = JSON.parse(holder.textContent);
  let data = own;
  const page = { chosen: data.chosen, more: data.more, large: data.large };
  const E = { wave: 0, category: 1, group: 2, percent: 3, low: 4, high: 5, n: 6, effective: 7, qualifier: 8, printed: 9,
    flags: 10, question: 11, id: 12, url: 13, method: 14, segment: 15, hidden: 16, step: 17, reasons: 18, read: 19 };
  const C = { from: 0, to: 1, category: 2, group: 3, change: 4, low: 5, high: 6, p: 7, detectable: 8, verdict: 9,
    comparability: 10, reasons: 11, pair: 12, read: 13 };
  const T = { from: 0, to: 1, category: 2, group: 3, waves: 4, slope: 5, low: 6, high: 7, p: 8, verdict: 9, comparability: 10 };
  const S = { from: 0, to: 1, category: 2, banner: 3, pair: 4, groups: 5, change: 6, composition: 7, compositionError: 8, within: 9, withinError: 10, reasons: 11 };
  // Eight colours that people with colour blindness can tell apart; shapes of the points tell them apart as well.
  const LIGHT = { lines: ["#0072b2", "#c44e00", "#007a5a", "#a33b80", "#332288", "#7a6a00", "#444b52", "#882255"],
    grey: "#aab2b9", ink: "#1d2730", soft: "#55626d", paper: "#ffffff", rule: "#e6eaed", axis: "#8a959e", bad: "#a4232e", care: "#7d5000" };
  const DARK = { lines: ["#5ab4f0", "#f0a05a", "#3fc79a", "#e48cc8", "#b0a8f5", "#d6c84e", "#c3ccd3", "#f08ba6"],
    grey: "#5d6973", ink: "#e6ebef", soft: "#a9b4bd", paper: "#14191e", rule: "#2a333b", axis: "#7c8892", bad: "#ff8f94", care: "#e8b45a" };
  const night = matchMedia("(prefers-color-scheme: dark)"), printing = matchMedia("print");
  let hues = LIGHT;
  const hue = (line) => line.hue === null ? hues.grey : hues.lines[line.hue];
  const COMPARABILITY = { comparable: "comparable", with_note: "comparable with a note", break: "break",
    not_comparable: "not comparable", unreviewed: "not reviewed" };
  const PARTED = new Set(["break", "not_comparable", "unreviewed"]);
  const PAIRS = { first_last: "first to last", baseline: "against the baseline" };
  const UNKNOWN = new Set(["dont_know", "refused"]);
  const LOADED = () => window.itemFigures || {};
  const state = { answer: page.chosen, who: "total:all", house: "all", dk: false, bright: null };
  let view = null;

  // ---- words ----------------------------------------------------------------------------------------------------
  const esc = (text) => String(text ?? "").replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
  const rounded = (value, digits = 1) => {
    const factor = 10 ** digits, size = Math.floor(Math.abs(value) * factor + 0.5) / factor;
    return (value < 0 && size ? "-" : "") + size.toFixed(digits).replace(/\.?0+$/, (tail) => tail.includes(".") ? "" : tail);
  };
  const share = (value) => value === 0 ? "-" : value < 0.5 ? "*" : rounded(value);
  const signed = (value) => (value > 0 ? "+" : "") + rounded(value);
  const printed = (row) => {
    if (row[E.hidden]) return "·";
    if (row[E.percent] === null) return row[E.printed] ?? "";
    return ({ about: "about ", more_than: "over ", less_than: "under " }[row[E.qualifier]] || "") + share(row[E.percent]);
  };
  const between = (low, high) => low === null ? "" : `${rounded(low)} to ${rounded(high)}`;
  const words = (group) => group[0] === "total" ? "everyone" : `${group[0].replaceAll("_", " ")}: ${group[1]}`;
  const seriesName = (series) => {
    const same = data.series.filter((s) => s[0] === series[0]).length;
    return same === 1 ? series[2] : same === data.series.length ? series[3] : `${series[2]}: ${series[3]}`;
  };
  const wordingOf = (row) => data.questions[row[E.question]][0];

  // ---- what is chosen ---------------------------------------------------------------------------------------------
  const form = $("choices");
  const banners = () => {
    const found = new Map();
    for (const [banner, value] of data.groups) found.set(banner, [...(found.get(banner) || []), value]);
    return found;
  };
  const option = (value, text) => `<option value="${esc(value)}">${esc(text)}</option>`;
  function offer() {
    const used = new Set(data.estimates.map((row) => row[E.category]));
    const answers = data.categories.map((c, at) => [c, at]).filter(([, at]) => used.has(at)).map(([c]) => option(c[0], c[1]));
    form.answer.innerHTML = answers.join("") + (answers.length > 1 ? option("*", "All answers together") : "");
    let who = banners().has("total") ? option("total:all", "Everyone") : "";
    for (const [banner, values] of banners()) {
      if (banner === "total") continue;
      const name = banner.replaceAll("_", " ");
      who += `<optgroup label="${esc(name)}">`;
      if (values.length > 1) who += option(`${banner}:*`, `${name}: side by side`);
      who += values.map((value) => option(`${banner}:${value}`, value)).join("") + "</optgroup>";
    }
    form.who.innerHTML = who;
    form.house.innerHTML = (data.series.length > 1 ? option("all", "All, side by side") : "") +
      data.series.map((s) => option(`${s[0]}/${s[1]}`, seriesName(s))).join("");
    form.who.parentElement.classList.toggle("gone", data.groups.length < 2);
    form.house.parentElement.classList.toggle("gone", data.series.length < 2);
    form.dk.parentElement.classList.toggle("gone", !data.categories.some((c) => UNKNOWN.has(c[2])));
  }
  function read() {
    if (!location.hash.includes("=")) return;
    const asked = new URLSearchParams(location.hash.slice(1));
    for (const name of ["answer", "who", "house"]) if (asked.has(name)) state[name] = asked.get(name);
    state.dk = asked.get("dk") === "out";
  }
  function show() {
    for (const name of ["answer", "who", "house"]) {
      form[name].value = state[name];
      if (form[name].selectedIndex < 0) form[name].selectedIndex = 0;
      state[name] = form[name].value;
    }
    form.dk.checked = state.dk;
  }
  function remember() {
    const told = new URLSearchParams({ answer: state.answer });
    if (state.who !== "total:all") told.set("who", state.who);
    if (data.series.length > 1 && state.house !== "all") told.set("house", state.house);
    if (state.dk) told.set("dk", "out");
    try { history.replaceState(null, "", "#" + told); } catch { /* some browsers refuse it on a disk */ }
  }
  function load(then) {
    const banner = state.who.slice(0, state.who.indexOf(":")), file = page.more[banner];
    const use = () => { data = file ? LOADED()[banner] : own; then(); };
    if (!file || LOADED()[banner]) { use(); return; }
    const script = document.createElement("script");
    script.src = file;
    script.onload = use;
    script.onerror = () => { state.who = "total:all"; data = own; show(); then(); $("choice-note").textContent = "Some figures could not be loaded: their file is missing beside this page."; };
    document.head.append(script);
  }

  // ---- don't know out of the base -----------------------------------------------------------------------------------
  const WITHOUT = "computed without “don’t know”: no interval";
  // As the database reads it: where it has no other reading, the estimate is that reading.
  function readings(rows) {
    const missing = new Map(), out = [];
    for (const row of rows) {
      const read = row[E.read], made = [...row];
      if (UNKNOWN.has(data.categories[row[E.category]][2])) continue;
      if (read && read[0] === null) {
        const why = read[1].map((at) => data.texts[at]).filter((text) => !row[E.flags].some((at) => data.texts[at] === text));
        if (!row[E.hidden] && !why.some((text) => text.includes("itself left out"))) missing.set(data.waves[row[E.wave]][1], why[0] || "no such share");
        continue;
      }
      if (read) [E.percent, E.flags, E.low, E.high, E.n, E.effective, E.method].forEach((place, at) => { made[place] = read[at]; });
      if (read) { made[E.qualifier] = "exact"; made[E.printed] = null; made.read = true; }
      out.push(made);
    }
    return [out, missing];
  }
  function withoutUnknown(rows, all) {
    const unknown = new Map();
    for (const row of all) {
      if (!UNKNOWN.has(data.categories[row[E.category]][2])) continue;
      const key = `${row[E.wave]}|${row[E.group]}|${row[E.question]}`;
      unknown.set(key, [...(unknown.get(key) || []), row]);
    }
    const missing = new Map(), out = [];
    for (const row of rows) {
      if (UNKNOWN.has(data.categories[row[E.category]][2])) continue;
      const away = unknown.get(`${row[E.wave]}|${row[E.group]}|${row[E.question]}`) || [];
      const exact = (one) => one[E.percent] !== null && one[E.qualifier] === "exact";
      const sum = away.reduce((total, one) => total + one[E.percent], 0);
      if (!away.length || !away.every(exact) || !exact(row) || sum >= 100 || row[E.percent] + sum > 100.5) {
        missing.set(data.waves[row[E.wave]][1], "no exact share of “don’t know” is published there");
        continue;
      }
      const made = [...row];
      made[E.percent] = Math.min(100, row[E.percent] / (100 - sum) * 100);
      made[E.low] = made[E.high] = made[E.effective] = null;
      made.recomputed = true;
      out.push(made);
    }
    return [out, missing];
  }

  // ---- lines of the view --------------------------------------------------------------------------------------------
  function look() {
    const [banner, value] = [state.who.slice(0, state.who.indexOf(":")), state.who.slice(state.who.indexOf(":") + 1)];
    const groups = new Set(data.groups.map((g, at) => [g, at]).filter(([g]) => g[0] === banner && (value === "*" || g[1] === value)).map(([, at]) => at));
    const categories = new Set(data.categories.map((c, at) => [c, at]).filter(([c]) => state.answer === "*" || c[0] === state.answer).map(([, at]) => at));
    const houses = new Set(data.series.map((s, at) => [s, at]).filter(([s]) => state.house === "all" || `${s[0]}/${s[1]}` === state.house).map(([, at]) => at));
    const inView = (row) => groups.has(row[E.group]) && categories.has(row[E.category]) && houses.has(data.waves[row[E.wave]][0]);
    let rows = data.estimates.filter(inView), missing = new Map(), refused = "";
    if (state.dk) {
      if (data.answer === "multiple") refused = "Several answers were allowed, so “don’t know” cannot be taken out of the base.";
      else [rows, missing] = data.read ? readings(rows) : withoutUnknown(rows, data.estimates);
    }
    const lines = new Map();
    for (const row of rows) {
      const wave = data.waves[row[E.wave]], key = `${wave[0]}|${row[E.category]}|${row[E.group]}`;
      if (!lines.has(key)) lines.set(key, { key, series: wave[0], category: row[E.category], group: row[E.group], rows: [], points: [] });
      const line = lines.get(key);
      line.rows.push(row);
      if (row[E.segment] !== null && row[E.percent] !== null && wave[2] && wave[3])
        line.points.push({ row, at: (Date.parse(wave[2]) + Date.parse(wave[3])) / 2 });
    }
    const list = [...lines.values()].sort((a, b) => a.series - b.series || a.category - b.category || a.group - b.group);
    const varied = (pick) => new Set(list.map(pick)).size > 1;
    const by = [varied((l) => l.series), varied((l) => l.category), varied((l) => l.group)];
    for (const line of list) {
      line.name = [by[0] && seriesName(data.series[line.series]), by[1] && data.categories[line.category][1], by[2] && data.groups[line.group][1]]
        .filter(Boolean).join(", ") || seriesName(data.series[line.series]);
      line.points.sort((a, b) => a.at - b.at);
    }
    const drawn = list.filter((line) => line.points.length);
    colour(drawn);
    const without = state.dk && !refused;
    return { lines: list, drawn, missing, refused, without, recomputed: without && !data.read };
  }
  function colour(drawn) {
    const many = drawn.length > LIGHT.lines.length;
    if (many && !state.bright) state.bright = new Set([...drawn].sort((a, b) => b.points.length - a.points.length).slice(0, 5).map((l) => l.key));
    if (!many) state.bright = null;
    let next = 0;
    drawn.forEach((line, at) => {
      line.bright = !many || state.bright.has(line.key);
      line.shape = (many ? (line.bright ? next : at) : at) % 6;
      line.hue = line.bright ? next++ % LIGHT.lines.length : null;
    });
  }
  const told = (places) => places.map((at) => data.texts[at]).filter((reason) => !reason.startsWith("not tested:"));

  // ---- picture ------------------------------------------------------------------------------------------------------
  const mark = (shape, x, y, r, fill, stroke) => {
    const points = { 1: [[-1, -1], [1, -1], [1, 1], [-1, 1]], 2: [[0, -1.25], [1.15, 0.85], [-1.15, 0.85]], 3: [[0, -1.35], [1.35, 0], [0, 1.35], [-1.35, 0]],
      4: [[0, 1.25], [1.15, -0.85], [-1.15, -0.85]], 5: [[-1.3, -0.5], [1.3, -0.5], [1.3, 0.5], [-1.3, 0.5]] }[shape];
    const paint = `fill="${fill}" stroke="${stroke}" stroke-width="1.6" class="halo"`;
    if (!points) return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}" ${paint}/>`;
    return `<polygon points="${points.map(([a, b]) => `${(x + a * r * 0.92).toFixed(1)},${(y + b * r * 0.92).toFixed(1)}`).join(" ")}" ${paint}/>`;
  };
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  function ticks(first, last, room) {
    const most = Math.max(2, Math.floor(room / 78)), months = (last - first) / 2629800000;
    const step = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600].find((s) => months / s <= most) || 1200;
    const start = new Date(first), found = [];
    let month = start.getUTCFullYear() * 12 + start.getUTCMonth();
    for (month = Math.ceil(month / step) * step; ; month += step) {
      const at = Date.UTC(Math.floor(month / 12), month % 12, 1);
      if (at > last) break;
      if (at >= first) found.push([at, step >= 12 ? `${Math.floor(month / 12)}` : `${MONTHS[month % 12]} ${Math.floor(month / 12)}`]);
    }
    return found;
  }
  function tipOf(line, row) {
    const wave = data.waves[row[E.wave]];
    const name = view.drawn.length > 1 ? `${line.name}\n` : "";
    const sure = row.recomputed ? `(${WITHOUT})` : row[E.low] !== null ? `(95 % interval ${between(row[E.low], row[E.high])})` : "(no interval)";
    const notes = row[E.flags].map((at) => data.texts[at]);
    const reasons = row[E.step] === "with_note" ? ["Compared with the wave before: " + told(row[E.reasons]).join("; ")] : [];
    return `${name}Wave ${wave[1]}, ${wave[4]}\n${printed(row)} % ${sure}\nn = ${row[E.n] ?? "not stated"}${[...notes, ...reasons].map((t) => "\n" + t).join("")}`;
  }
  const figureOf = (tip, x, inner, front = true) => ({ x, front, svg: `<g data-tip="${esc(tip)}" role="img" aria-label="${esc(tip)}" tabindex="-1">${inner}</g>` });

  function draw(width) {
    const small = width < 560, height = small ? 300 : 380, left = 44, right = 18, top = 18, bottom = 40;
    const points = view.drawn.flatMap((line) => line.points);
    const times = points.map((p) => p.at), span = Math.max(...times) - Math.min(...times);
    const air = Math.max(span * 0.05, 20 * 86400000), first = Math.min(...times) - air, last = Math.max(...times) + air;
    const highest = Math.max(...points.map((p) => p.row[E.high] ?? p.row[E.percent]), 1) * 1.1;
    const unit = [0.5, 1, 2, 5, 10, 20, 25].find((u) => highest / u <= 5.5) || 25;
    const most = Math.min(100, Math.ceil(highest / unit) * unit);
    const x = (at) => left + (at - first) / (last - first) * (width - left - right);
    const y = (value) => height - bottom - Math.min(value, most) / most * (height - top - bottom);
    const text = (tx, ty, what, extra = "") => `<text x="${tx.toFixed(1)}" y="${ty.toFixed(1)}" font-size="12" fill="${hues.soft}" ${extra}>${esc(what)}</text>`;
    let back = "", paths = "";
    for (let value = 0; value <= most + 1e-9; value += unit) {
      back += `<line x1="${left}" x2="${width - right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" stroke="${value ? hues.rule : hues.axis}"/>`;
      back += text(left - 6, y(value) + 4, rounded(value) + (value + unit > most + 1e-9 ? " %" : ""), 'text-anchor="end"');
    }
    for (const [at, label] of ticks(first, last, width - left - right)) {
      back += `<line x1="${x(at).toFixed(1)}" x2="${x(at).toFixed(1)}" y1="${height - bottom}" y2="${height - bottom + 5}" stroke="${hues.axis}"/>`;
      const room = label.length * 3.4, place = Math.min(x(at), width - room);
      back += text(place, height - bottom + 30, label, 'text-anchor="middle"');
    }
    const figures = [], breaks = new Map(), wordings = new Map(), taken = [], labels = [];
    const dodge = view.drawn.length > 1 && view.drawn.length <= 6 ? 5 : 0;
    [...view.drawn.entries()].sort((a, b) => a[1].bright - b[1].bright).forEach(([order, line]) => {
      const shift = dodge * (order - (view.drawn.length - 1) / 2), at = (point) => x(point.at) + shift;
      line.points.forEach((point, place) => {
        const { row } = point, before = line.points[place - 1], px = at(point), py = y(row[E.percent]);
        if (before) {
          const parted = before.row[E.segment] !== row[E.segment];
          if (parted) {
            const key = `${line.series}|${before.row[E.wave]}|${row[E.wave]}`;
            const said = breaks.get(key) || { x: (at(before) + px) / 2, line, before, row, reasons: new Set(), lines: 0 };
            for (const reason of told(row[E.reasons])) said.reasons.add(reason);
            said.word = PARTED.has(row[E.step]) ? COMPARABILITY[row[E.step]] : "break";
            if (!said.reasons.size) said.reasons.add("a wave in between breaks the line");
            breaks.set(key, said);
          } else {
            const dash = row[E.step] === "with_note" ? ' stroke-dasharray="5 4"' : "";
            paths += `<line x1="${at(before).toFixed(1)}" y1="${y(before.row[E.percent]).toFixed(1)}" x2="${px.toFixed(1)}" y2="${py.toFixed(1)}" stroke="${hue(line)}" stroke-width="${line.bright ? 2 : 1}"${dash}/>`;
          }
          if (wordingOf(before.row) !== wordingOf(row)) wordings.set(`${line.series}|${row[E.wave]}`, { px: x(point.at), row, before: before.row, line });
        }
        const bar = row[E.low] === null || row.recomputed ? "" :
          `<line x1="${px.toFixed(1)}" x2="${px.toFixed(1)}" y1="${y(row[E.low]).toFixed(1)}" y2="${y(row[E.high]).toFixed(1)}" stroke="${hue(line)}" stroke-width="${line.bright ? 3 : 1.5}" stroke-opacity=".38" stroke-linecap="round"/>`;
        figures.push(figureOf(tipOf(line, row), px, bar + mark(line.shape, px, py, line.bright ? 4.6 : 3, bar ? hue(line) : hues.paper, hue(line)), line.bright));
        taken.push([px - 5, px + 5, Math.min(py - 5, bar ? y(row[E.high]) : py), Math.max(py + 5, bar ? y(row[E.low]) : py)]);
        if (line.bright) labels.push({ px, py: Math.min(py - 7, bar ? y(row[E.high]) - 4 : py), text: share(row[E.percent]), colour: hue(line), last: place === line.points.length - 1 || place === 0 });
      });
    });
    let written = "";
    if (points.length <= 60) for (const label of [...labels.filter((l) => l.last), ...labels.filter((l) => !l.last)]) {
      const half = label.text.length * 3.7 + 2, box = [label.px - half, label.px + half, label.py - 14, label.py - 1];
      if (label.py < 14 || taken.some((t) => box[0] < t[1] && t[0] < box[1] && box[2] < t[3] && t[2] < box[3])) continue;
      taken.push(box);
      written += `<text x="${label.px.toFixed(1)}" y="${(label.py - 3).toFixed(1)}" font-size="12.5" font-weight="600" text-anchor="middle" fill="${view.drawn.length > 1 ? label.colour : hues.ink}">${esc(label.text)}</text>`;
    }
    for (const { x: bx, before, row, line, reasons, word } of breaks.values()) {
      const [one, two] = [data.waves[before[E.wave] ?? before.row[E.wave]], data.waves[row[E.wave]]];
      const house = view.drawn.some((l) => l.series !== line.series) ? `${seriesName(data.series[line.series])}\n` : "";
      const tip = `${house}${word[0].toUpperCase()}${word.slice(1)} between wave ${one[1]} and wave ${two[1]}: the line stops.\n${[...reasons].join("\n")}`;
      figures.push(figureOf(tip, bx, `<line x1="${bx.toFixed(1)}" x2="${bx.toFixed(1)}" y1="${top}" y2="${height - bottom}" stroke="${hues.bad}" stroke-opacity=".55" stroke-dasharray="2 4"/><rect x="${(bx - 9).toFixed(1)}" y="${top - 9}" width="18" height="18" rx="9" fill="${hues.paper}" stroke="${hues.bad}" class="halo"/><text x="${bx.toFixed(1)}" y="${top + 4.5}" font-size="12" font-weight="700" text-anchor="middle" fill="${hues.bad}">≠</text>`));
    }
    for (const { px, row, before } of wordings.values()) {
      const tip = `Other words in wave ${data.waves[row[E.wave]][1]} than in wave ${data.waves[before[E.wave]][1]}\nNow: ${wordingOf(row)}\nBefore: ${wordingOf(before)}`;
      const fy = height - bottom + 10;
      figures.push(figureOf(tip, px, `<rect x="${(px - 8).toFixed(1)}" y="${fy - 6}" width="16" height="14" fill="#fff" fill-opacity="0"/><polygon points="${px - 5},${fy + 4} ${px + 5},${fy + 4} ${px},${fy - 5}" fill="${hues.care}" stroke="${hues.paper}" class="halo"/>`));
    }
    figures.sort((a, b) => a.front - b.front || a.x - b.x); // what is bright lies on top
    const inner = back + paths + figures.map((f) => f.svg).join("") + `<g pointer-events="none">${written}</g>`;
    return { width, height, inner };
  }

  const svgOf = (picture) => `<svg xmlns="http://www.w3.org/2000/svg" width="${picture.width}" height="${picture.height}" viewBox="0 0 ${picture.width} ${picture.height}" role="group" aria-labelledby="chart-title" aria-describedby="chart-help" font-family="system-ui, sans-serif">${picture.inner}</svg>`;
  const swatch = (line) => `<line x1="0" x2="22" y1="8" y2="8" stroke="${hue(line)}" stroke-width="2"/>${mark(line.shape, 11, 8, 4.2, hue(line), hue(line))}`;

  function caption() {
    const answer = state.answer === "*" ? "All answers" : `“${data.categories.find((c) => c[0] === state.answer)?.[1] ?? ""}”`;
    const who = state.who.endsWith(":*") ? state.who.slice(0, -2).replaceAll("_", " ") : words(data.groups.find((g) => `${g[0]}:${g[1]}` === state.who) || ["total", "all"]);
    const house = data.series.length === 1 ? seriesName(data.series[0]) : state.house === "all" ? "" : seriesName(data.series.find((s) => `${s[0]}/${s[1]}` === state.house));
    return `${answer}, ${who}${house ? `, ${house}` : ""}: per cent${view.without ? " of those with an opinion" : ""}${view.recomputed ? "" : ", 95 % intervals"}`;
  }
  function paint() {
    const figure = $("figure");
    figure.hidden = !view.drawn.length;
    $("downloads").hidden = !view.lines.length;
    for (const button of $("downloads").querySelectorAll('[data-get="svg"],[data-get="png"]')) button.disabled = !view.drawn.length;
    if (!view.drawn.length) return;
    hues = night.matches && !printing.matches ? DARK : LIGHT;
    $("chart-title").textContent = caption();
    const held = [...$("chart").querySelectorAll("[data-tip]")].indexOf(document.activeElement);
    $("chart").innerHTML = svgOf(draw(Math.max(300, Math.min(1000, $("chart").clientWidth || 900)))) + '<p id="chart-help" class="small">Left and right arrow keys go through the points, breaks and changes of wording.</p>';
    const marks = $("chart").querySelectorAll("[data-tip]");
    if (marks.length) marks[Math.max(0, held)]?.setAttribute("tabindex", "0");
    if (held >= 0) marks[held]?.focus();
    const key = (line) => `<svg width="22" height="16" aria-hidden="true">${swatch(line)}</svg>${esc(line.name)}`;
    const many = view.drawn.length > LIGHT.lines.length;
    $("legend").innerHTML = view.drawn.length < 2 ? "" : view.drawn.map((line) => many
      ? `<button type="button" data-line="${esc(line.key)}" aria-pressed="${line.bright}">${key(line)}</button>`
      : `<span class="key">${key(line)}</span>`).join("");
  }

  // ---- tables -------------------------------------------------------------------------------------------------------
  const head = (cells) => `<thead><tr>${cells.map(([text, kind]) => `<th scope="col"${kind ? ` class="${kind}"` : ""}>${text}</th>`).join("")}</tr></thead>`;
  function tables() {
    const several = view.lines.length > 1, waveOf = (row) => data.waves[row[E.wave]];
    const rows = view.lines.flatMap((line, order) => line.rows.map((row) => ({ line, order, row })));
    rows.sort((a, b) => (waveOf(b.row)[2] || "").localeCompare(waveOf(a.row)[2] || "") || waveOf(b.row)[1].localeCompare(waveOf(a.row)[1]) || a.order - b.order);
    const said = rows.map(({ row }) => {
      const base = data.questions[row[E.question]][2], notes = row[E.flags].map((at) => data.texts[at]);
      if (row.recomputed) notes.unshift(WITHOUT + "; n is of the whole base");
      if (row.read) notes.unshift("without “don’t know”");
      if (row[E.segment] === null && !notes.some((n) => n.startsWith("kept out") || n.startsWith("not reviewed"))) notes.push("not in a line");
      return base ? [...notes, `base: ${base}`] : notes;
    });
    const shared = said.length > 1 ? said[0].filter((note) => said.every((notes) => notes.includes(note))) : [];
    $("shared-notes").textContent = shared.length ? `All figures here: ${shared.join("; ")}.` : "";
    const cells = rows.map(({ line, row }, place) => {
      const wave = waveOf(row), notes = said[place].filter((note) => !shared.includes(note));
      return `<tr>${several ? `<td>${esc(line.name)}</td>` : ""}<th scope="row" class="when"><a href="${esc(wave[5])}">${esc(wave[1])}</a></th><td class="when">${esc(wave[4])}</td>` +
        `<td class="num"><b>${esc(printed(row))}</b></td><td class="num">${row[E.low] === null ? "none" : between(row[E.low], row[E.high])}</td>` +
        `<td class="num">${row[E.n] ?? "?"}</td><td class="num">${row[E.effective] === null ? "" : rounded(row[E.effective], 0)}</td>` +
        `<td class="small">${esc(notes.join("; "))}</td><td class="citing">${row.recomputed || row.read || row[E.hidden] ? "" : `<button type="button" class="cite" data-cite="${esc(row[E.id])}" aria-label="Cite wave ${esc(wave[1])}${several ? ", " + esc(line.name) : ""}">cite</button>`}</td></tr>`;
    });
    $("figures").innerHTML = cells.length ? `<table>${head([...(several ? [["Line"]] : []), ["Wave"], ["Fieldwork"], ["Per cent", "num"], ["95 % interval", "num"], ["n", "num"], ["Effective n", "num"], ["Notes"], ["Citation", "citing"]])}<tbody>${cells.join("")}</tbody></table>` : "<p>No figures for this choice.</p>";
    changes(several);
  }
  const many = (size) => `${size} ${size === "1" ? "point" : "points"}`;
  function verdict(word, change, comparability) {
    const size = many(rounded(Math.abs(change ?? 0)));
    if (word === "rise") return `<span class="verdict">rose</span> by ${size}`;
    if (word === "fall") return `<span class="verdict">fell</span> by ${size}`;
    if (word === "no_detectable_change") return '<span class="verdict">no detectable change</span>';
    return PARTED.has(comparability) ? `<span class="verdict">not compared</span>` : '<span class="verdict">not tested</span>';
  }
  const ofLine = (rows, place, line) => rows.filter((row) => data.waves[row[place.to]][0] === line.series && row[place.category] === line.category && (place.group === undefined ? data.groups[line.group][0] === "total" : row[place.group] === line.group));
  const chance = (p) => p === null ? "" : p < 0.001 ? "under 0.001" : p.toFixed(3);
  const capital = (text) => text && text[0].toUpperCase() + text.slice(1);
  function aside(step) {
    const read = step[C.read];
    if (!read || view.without) return "";
    const size = many(rounded(Math.abs(read[0] ?? 0)));
    if (read[4]) return ` Without “don’t know” it goes the other way: ${signed(read[0])} points.`;
    return read[5] ? ` Without “don’t know”: ${{ rise: `rose by ${size}`, fall: `fell by ${size}`, no_detectable_change: "no detectable change", not_tested: "not tested" }[read[3]]}.` : "";
  }
  function changeCells(step) {
    const read = view.without && !PARTED.has(step[C.comparability]) ? step[C.read] : null;
    if (read) return [read[0], read[1] === null ? "" : rounded(read[1]), read[2], null, read[3]];
    return [step[C.change], step[C.low] === null ? "" : `${signed(step[C.low])} to ${signed(step[C.high])}`, step[C.p], step[C.detectable], step[C.verdict]];
  }
  function changes(several) {
    $("change-words").innerHTML = view.recomputed ? "" : sentences(several);
    if (view.recomputed) { $("changes").innerHTML = "<p>Changes are tested with “don’t know” in the base, as published. Put it back in to see them.</p>"; return; }
    const found = view.lines.flatMap((line) => ofLine(data.changes, C, line).map((step) => ({ line, step })));
    found.reverse();
    const cells = found.map(({ line, step }) => {
      const [one, two] = [data.waves[step[C.from]], data.waves[step[C.to]]], reasons = step[C.reasons].map((at) => data.texts[at]);
      const plain = step[C.comparability] === "comparable", [change, sure, p, detectable, word] = changeCells(step);
      return `<tr>${several ? `<td>${esc(line.name)}</td>` : ""}<th scope="row" class="when">${esc(one[1])} to ${esc(two[1])}${PAIRS[step[C.pair]] ? `<br><span class="small">${PAIRS[step[C.pair]]}</span>` : ""}</th><td class="num">${change === null ? "" : signed(change)}</td>` +
        `<td class="num">${sure}</td><td class="num">${chance(p)}</td>` +
        `<td class="num">${detectable === null ? "" : rounded(detectable)}</td><td>${verdict(word, change, step[C.comparability])}</td>` +
        `<td class="small">${plain ? "" : `<span class="step ${esc(step[C.comparability])}">${COMPARABILITY[step[C.comparability]]}</span>${reasons.length ? ": " : ""}`}${esc(reasons.map((reason) => reason.replace(/\.$/, "")).join("; "))}${reasons.length && aside(step) ? "." : ""}${esc(aside(step))}</td></tr>`;
    });
    $("changes").innerHTML = cells.length ? `<table>${head([...(several ? [["Line"]] : []), ["Step"], ["Points", "num"], [view.without ? "Standard error" : "95 % interval", "num"], ["p (Holm)", "num"], ["Smallest detectable", "num"], ["Verdict"], ["Comparability"]])}<tbody>${cells.join("")}</tbody></table>` : "<p>There are no two waves to compare in this view.</p>";
    parts();
  }
  // What the tables say, in sentences: the last step, first against last, and the straight line.
  function sentences(several) {
    const told = [];
    for (const line of view.lines.slice(0, 6)) {
      const name = several ? `<b>${esc(line.name)}</b>: ` : "", steps = ofLine(data.changes, C, line), out = [];
      out.push(allSteps(steps.filter((step) => step[C.pair] === "consecutive")));
      const last = steps.filter((step) => step[C.pair] === "consecutive").pop(), far = steps.filter((step) => step[C.pair] === "first_last").pop();
      if (last) out.push(stepWords(last, "the last step"));
      if (far) out.push(stepWords(far, "first against last of the waves that may be joined"));
      if (!view.without) for (const test of ofLine(data.tests, T, line)) out.push(lineWords(test));
      if (out.length) told.push(`<p>${name}${out.filter(Boolean).join(" ")}</p>`);
    }
    return told.join("") + (view.lines.length > 6 && told.length ? `<p class="small">The first six of ${view.lines.length} lines; the table has all.</p>` : "");
  }
  // From wave to wave: which steps moved, by name, and how many did not, or cannot be told.
  function allSteps(steps) {
    if (steps.length < 2) return "";
    const by = { rise: [], fall: [], no_detectable_change: [], not_tested: [], not_compared: [] };
    for (const step of steps) by[PARTED.has(step[C.comparability]) ? "not_compared" : changeCells(step)[4]].push(step);
    const named = (word, said) => by[word].length ? `${by[word].length} ${said} (${by[word].slice(-4).map((step) => `${fromTo(step, C)}: ${signed(changeCells(step)[0])}`).join("; ")}${by[word].length > 4 ? "; earlier ones in the table" : ""})` : "";
    const counted = (word, said) => by[word].length ? `${by[word].length} ${said}` : "";
    const told = [named("rise", by.rise.length > 1 ? "rises" : "rise"), named("fall", by.fall.length > 1 ? "falls" : "fall"), counted("no_detectable_change", "without a detectable change"), counted("not_tested", "not tested"), counted("not_compared", "not compared")];
    return `Of ${steps.length} steps from wave to wave: ${told.filter(Boolean).join(", ")}.`;
  }
  const fromTo = (row, place) => `${esc(data.waves[row[place.from]][1])} to ${esc(data.waves[row[place.to]][1])}`;
  function stepWords(step, what) {
    const [change, , , detectable, word] = changeCells(step), size = many(rounded(Math.abs(change ?? 0)));
    if (PARTED.has(step[C.comparability])) return `${capital(fromTo(step, C))}, ${what}: not compared, the two waves do not join.`;
    const said = { rise: `rose by ${size}`, fall: `fell by ${size}`, no_detectable_change: `no detectable change (${signed(change ?? 0)})${detectable === null ? "" : `; less than about ${many(rounded(detectable))} could hardly be seen with these samples`}`, not_tested: "not tested, an interval is missing" }[word];
    return `${capital(fromTo(step, C))}, ${what}: ${said}${step[C.comparability] === "with_note" ? " (comparable with a note)" : ""}.${aside(step)}`;
  }
  function lineWords(test) {
    const sure = test[T.low] === null ? "" : ` (95 % interval ${signed(test[T.low])} to ${signed(test[T.high])})`, over = `Over the ${test[T.waves]} waves ${fromTo(test, T)}`;
    const a = many(rounded(Math.abs(test[T.slope] ?? 0)));
    return { rise: `${over} a straight line rises by ${a} a year${sure}.`, fall: `${over} a straight line falls by ${a} a year${sure}.`,
      no_detectable_change: `${over} a straight line has no detectable slope${sure.replace(" (", " (points a year, ")}.`,
      not_straight: `${over} it went up and down by more than chance: a straight line does not describe it.` }[test[T.verdict]] || "";
  }
  // A change of everyone asked, parted into who was asked and what they answered.
  function parts() {
    const one = view.lines.length === 1 && !view.without ? ofLine(data.splits, S, view.lines[0]) : [];
    $("parts").hidden = !one.length;
    const told = one.map((row) => {
      const reasons = row[S.reasons].map((at) => data.texts[at]), banner = esc(data.texts[row[S.banner]]);
      const said = row[S.change] === null ? "" : `of ${signed(row[S.change])} points, ${signed(row[S.composition])} (standard error ${rounded(row[S.compositionError] ?? 0)}) go with another make-up of the sample by ${banner}, ${signed(row[S.within])} (standard error ${rounded(row[S.withinError] ?? 0)}) happened within its ${row[S.groups]} groups`;
      return `<li>${fromTo(row, S)}${PAIRS[row[S.pair]] ? `, ${PAIRS[row[S.pair]]}` : ""}: ${said || `${banner}: `}${said && reasons.length ? ". " : ""}${esc(reasons.join("; "))}</li>`;
    });
    $("parts-list").innerHTML = told.reverse().join("");
  }

  // ---- taking away --------------------------------------------------------------------------------------------------
  const safe = (text) => { const t = String(text ?? ""); return /^[=+\-@\t\r]/.test(t) ? "'" + t : t; };
  const quoted = (cell) => typeof cell === "number" ? String(cell) : `"${safe(cell).replaceAll('"', '""')}"`;
  function csv() {
    return "\ufeff" + cells().map((row) => row.map((cell) => cell === null ? "" : quoted(cell)).join(",")).join("\r\n") + "\r\n";
  }
  function cells() {
    const columns = ["organisation", "series", "wave", "fieldwork_start", "fieldwork_end", "item", "category", "answer", "subgroup", "subgroup_value", "percent", "percent_low", "percent_high", "n", "n_effective", "qualifier", "dont_know", "notes", "wording", "interval", "source_url", "estimate_id"];
    const lines = view.lines.flatMap((line) => line.rows.map((row) => {
      const wave = data.waves[row[E.wave]], series = data.series[wave[0]], category = data.categories[row[E.category]], group = data.groups[row[E.group]];
      return [series[0], series[1], wave[1], wave[2], wave[3], data.item, category[0], category[1], ...group, row[E.percent], row[E.low], row[E.high], row[E.n], row[E.effective], row[E.qualifier],
        row.recomputed || row.read ? "left out" : "as published", row[E.flags].map((at) => data.texts[at]).join("; "), wordingOf(row), data.texts[row[E.method]], data.texts[row[E.url]], row.recomputed ? "" : row[E.id]];
    }));
    return [columns, ...lines];
  }
  function sheets() {
    const steps = view.recomputed ? [] : view.lines.flatMap((line) => ofLine(data.changes, C, line).map((step) => {
      const series = data.series[line.series], [change, , p, detectable, word] = changeCells(step), read = view.without && step[C.read];
      return [series[0], series[1], data.waves[step[C.from]][1], data.waves[step[C.to]][1], PAIRS[step[C.pair]] || "one wave to the next", data.categories[line.category][1], words(data.groups[line.group]), change, read ? null : step[C.low], read ? null : step[C.high], p, detectable,
        word.replaceAll("_", " "), COMPARABILITY[step[C.comparability]], step[C.reasons].map((at) => data.texts[at]).join("; ")];
    }));
    const used = new Set(view.lines.flatMap((line) => line.rows.map((row) => row[E.question])));
    const notes = [["What", "Text"], ["Item", `${data.title} (${data.item})`], ["View", caption()],
      ...[...used].map((at) => ["Question", `${data.questions[at][0]} (${data.questions[at][1]})${data.questions[at][2] ? ` Asked of: ${data.questions[at][2]}` : ""}`]),
      ["Don’t know", view.recomputed ? "left out of the base, computed from published shares: no interval" : view.without ? "left out of the base" : "as the house publishes it"],
      ["Conventions", "Per cent from 0 to 100, four decimals; round last. Bases (n) are unweighted. Empty: not published, not asked, or hidden (under 30 effective interviews); notes say which."],
      ["Changes", "Points. p after Holm within the line. Nothing is tested across a break. No detectable change is a statement about these samples."],
      ["Sources", [...new Set(view.lines.flatMap((line) => line.rows.map((row) => data.texts[row[E.url]])))].join("\n")], ["Made by", "Weathervane, from the page of this item"]];
    const head = ["organisation", "series", "wave_from", "wave_to", "pair", "answer", "who", "change", "change_low", "change_high", "p_adjusted", "smallest_detectable", "verdict", "comparability", "reasons"];
    return [{ name: "Figures", rows: cells(), widths: [14, 12, 9, 11, 11, 20, 16, 24, 9, 12, 8, 8, 8, 8, 9, 9, 12, 30, 40, 20, 30, 18] },
      { name: "Changes", rows: [head, ...steps], widths: [14, 12, 9, 9, 14, 24, 14, 9, 9, 9, 9, 11, 20, 18, 60] }, { name: "Notes", rows: notes, widths: [14, 110] }];
  }
  function poster() {
    hues = LIGHT; // pictures leave the page on white paper
    const width = 960, edge = 16, picture = draw(width - edge), rows = [];
    const wrap = (text, room) => {
      const lines = [""];
      for (const word of text.split(/\s+/)) {
        if ((lines[lines.length - 1] + word).length * room.letter > width - 40 && lines[lines.length - 1]) lines.push("");
        lines[lines.length - 1] += word + " ";
      }
      return lines.map((line) => [line.trim(), room]);
    };
    const big = { size: 20, letter: 10.2, weight: 600, fill: LIGHT.ink, step: 26 }, plain = { size: 14, letter: 7, weight: 400, fill: LIGHT.soft, step: 20 }, fine = { size: 12, letter: 6.1, weight: 400, fill: LIGHT.soft, step: 17 };
    const above = [...wrap(data.title, big), ...wrap(caption(), plain)];
    const wordings = [...new Set(view.drawn.flatMap((line) => line.points.map((p) => wordingOf(p.row))))];
    const houses = [...new Set(view.drawn.map((line) => `${data.series[line.series][2]}, ${data.series[line.series][3]}`))];
    const below = [...wrap(`Question${wordings.length > 1 ? ` (one of ${wordings.length} wordings)` : ""}: ${wordings[wordings.length - 1]}`, fine),
      ...wrap(`Source: ${houses.slice(0, 4).join("; ")}${houses.length > 4 ? ` and ${houses.length - 4} more` : ""}. Dashed: comparable with a note. Gap with ≠: not comparable. Weathervane.`, fine)];
    let at = 12, out = "";
    const put = ([text, room]) => { at += room.step; out += `<text x="20" y="${at}" font-size="${room.size}" font-weight="${room.weight}" fill="${room.fill}">${esc(text)}</text>`; };
    above.forEach(put);
    out += `<g transform="translate(${edge / 2},${at + 10})">${picture.inner.replace(/ (data-tip|aria-label|tabindex|role)="[^"]*"/g, "")}</g>`;
    at += picture.height + 16;
    if (view.drawn.length > 1) {
      let x = 20;
      for (const line of view.drawn.filter((l) => l.bright)) {
        const room = 30 + line.name.length * 6.6 + 18;
        if (x + room > width - 20 && x > 20) { x = 20; at += 20; }
        rows.push(`<g transform="translate(${x},${at})">${swatch(line)}<text x="28" y="12.5" font-size="12.5" fill="${LIGHT.ink}">${esc(line.name)}</text></g>`);
        x += room;
      }
      at += 24;
    }
    out += rows.join("");
    below.forEach(put);
    const height = at + 18;
    return { width, height, svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, 'Liberation Sans', sans-serif"><title>${esc(data.title)}</title><rect width="100%" height="100%" fill="#fff"/>${out}</svg>` };
  }
  function give(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 5000);
  }
  const fileName = (kind) => [data.item, state.answer === "*" ? "all-answers" : state.answer, state.who === "total:all" ? "" : state.who, state.dk ? "without-dont-know" : ""]
    .filter(Boolean).join("_").replace(/[^A-Za-z0-9_-]+/g, "-") + "." + kind;
  async function copy(text, told) {
    try { await navigator.clipboard.writeText(text); told.textContent = "copied"; }
    catch { told.textContent = "could not copy: please select the text"; }
  }
  const takes = {
    csv: () => give(new Blob([csv()], { type: "text/csv;charset=utf-8" }), fileName("csv")),
    xlsx: () => give(window.workbook(sheets()), fileName("xlsx")),
    svg: () => give(new Blob([poster().svg], { type: "image/svg+xml" }), fileName("svg")),
    png: () => {
      const { width, height, svg } = poster(), image = new Image(), canvas = document.createElement("canvas");
      canvas.width = width * 2; canvas.height = height * 2;
      image.onload = () => { canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height); canvas.toBlob((blob) => give(blob, fileName("png"))); };
      image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(svg);
    },
    link: () => { remember(); copy(location.href, $("told")); },
  };
  function citation(row) {
    const wave = data.waves[row[E.wave]], series = data.series[wave[0]], question = data.questions[row[E.question]], group = data.groups[row[E.group]];
    const sure = row[E.low] === null ? "no interval" : `95 % interval ${between(row[E.low], row[E.high])}, ${data.texts[row[E.method]]}`;
    const notes = row[E.flags].map((at) => data.texts[at]);
    return `${series[2]}, ${series[3]}, wave ${wave[1]}. Fieldwork: ${wave[4]}. Population: ${wave[6] || "not stated"}. Mode: ${wave[7] || "not stated"}. ` +
      `n ${row[E.n] === null ? "not stated" : `= ${row[E.n]}`}${group[0] === "total" ? "" : ` (${words(group)})`}${question[2] ? `, base: ${question[2]}` : ""}. ` +
      `Question (${question[1]}): “${question[0]}” Answer: “${data.categories[row[E.category]][1]}”: ${printed(row)} % (${sure}). ` +
      `Weighting: ${wave[8] || "not stated"}.${notes.length ? ` Notes: ${notes.join("; ")}.` : ""} ${data.texts[row[E.url]]}. Estimate ${row[E.id]}.`;
  }

  // ---- what people do -----------------------------------------------------------------------------------------------
  function refresh() {
    load(() => {
      view = look();
      const notes = [];
      if (view.refused) notes.push(view.refused);
      const why = new Map();
      for (const [wave, reason] of view.missing) why.set(reason, [...(why.get(reason) || []), wave]);
      for (const [reason, waves] of why) notes.push(`Not possible for wave ${waves.join(", ")}: ${reason}.`);
      const outside = view.lines.reduce((sum, line) => sum + line.rows.length - line.points.length, 0);
      if (outside && !view.drawn.length) notes.push("Nothing to draw: these figures are not reviewed, not dated, or not exact numbers. They stand in the table.");
      else if (outside) notes.push(`${outside} figure${outside > 1 ? "s are" : " is"} in the table only: not reviewed, not dated, kept out of trends, or no exact number.`);
      $("choice-note").textContent = notes.join(" ");
      paint();
      tables();
    });
  }
  form.addEventListener("change", () => {
    state.answer = form.answer.value; state.who = form.who.value; state.house = form.house.value; state.dk = form.dk.checked; state.bright = null;
    remember();
    refresh();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  $("legend").addEventListener("click", (event) => {
    const button = event.target.closest("[data-line]");
    if (!button) return;
    const { line } = button.dataset;
    if (!state.bright.delete(line)) state.bright.add(line);
    view = look();
    paint();
    $("legend").querySelector(`[data-line="${CSS.escape(line)}"]`)?.focus();
  });
  $("downloads").addEventListener("click", (event) => { const kind = event.target.dataset?.get; if (kind) takes[kind](); });
  $("figures").addEventListener("click", (event) => {
    const id = event.target.dataset?.cite;
    if (!id) return;
    $("citation-text").textContent = citation(data.estimates.find((row) => row[E.id] === id));
    $("citation-told").textContent = "";
    $("citation").showModal();
  });
  $("citation-copy").addEventListener("click", () => copy($("citation-text").textContent, $("citation-told")));

  const tip = $("tip"), chart = $("chart");
  function hint(mark) {
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.dataset.tip;
    const box = mark.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const above = box.top - own.height - 8;
    tip.style.left = `${Math.max(8, Math.min(innerWidth - own.width - 8, box.left + box.width / 2 - own.width / 2))}px`;
    tip.style.top = `${above > 8 ? above : Math.min(innerHeight - own.height - 8, box.bottom + 8)}px`;
  }
  const marked = (event) => event.target.closest?.("[data-tip]");
  chart.addEventListener("pointerover", (event) => hint(marked(event)));
  chart.addEventListener("pointerleave", () => hint(null));
  chart.addEventListener("focusin", (event) => hint(marked(event)));
  chart.addEventListener("focusout", () => hint(null));
  const held = () => chart.contains(document.activeElement) ? document.activeElement : null;
  addEventListener("scroll", () => hint(held()), { passive: true });
  chart.addEventListener("keydown", (event) => {
    const marks = [...chart.querySelectorAll("[data-tip]")], here = marks.indexOf(document.activeElement);
    if (event.key === "Escape") hint(null);
    const to = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: marks.length - 1 }[event.key];
    if (here < 0 || to === undefined) return;
    event.preventDefault();
    const next = marks[Math.max(0, Math.min(marks.length - 1, to))];
    marks[here].setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });
  for (const medium of [night, printing]) medium.addEventListener("change", () => { if (view) paint(); });
  addEventListener("hashchange", () => { if (location.hash.includes("=")) { read(); show(); refresh(); } });
  let width = 0;
  new ResizeObserver(([entry]) => { const now = Math.round(entry.contentRect.width); if (view && now !== width) { width = now; paint(); } }).observe($("trend"));

  form.hidden = false;
  read();
  load(() => { offer(); show(); refresh(); });
})();

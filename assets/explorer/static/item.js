// The trend of an item: choices, picture, tables, downloads, citation.
//
// Belongs here: what a reader changes on the page of an item. Does not belong here: statistics. Every figure comes from
// the page's data (assets/explorer/figures.py says its shape), with one exception that is marked as such: shares with
// "don't know" left out of the base, which are divisions of published shares and get no interval.
"use strict";
(() => {
  const holder = document.getElementById("data");
  const $ = (id) => document.getElementById(id);
  if (!holder || !$("choices")) return;
  let data = JSON.parse(holder.textContent);
  const page = { chosen: data.chosen, more: data.more, large: data.large };
  const E = { wave: 0, category: 1, group: 2, percent: 3, low: 4, high: 5, n: 6, effective: 7, qualifier: 8, printed: 9,
    flags: 10, question: 11, id: 12, url: 13, method: 14, segment: 15, hidden: 16, step: 17, reasons: 18 };
  const C = { from: 0, to: 1, category: 2, group: 3, change: 4, low: 5, high: 6, p: 7, detectable: 8, verdict: 9,
    comparability: 10, reasons: 11, pair: 12 };
  const COLOURS = ["#0072b2", "#c44e00", "#007a5a", "#a33b80", "#332288", "#7a6a00", "#444b52", "#882255"];
  const GREY = "#aab2b9", INK = "#1d2730", SOFT = "#55626d";
  const COMPARABILITY = { comparable: "comparable", with_note: "comparable with a note", break: "break",
    not_comparable: "not comparable", unreviewed: "not reviewed" };
  const PARTED = new Set(["break", "not_comparable", "unreviewed"]);
  const PAIRS = { first_last: "first to last", baseline: "against the baseline" };
  const UNKNOWN = new Set(["dont_know", "refused"]);
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
    const needed = (page.large || state.who !== "total:all") && page.more && !window.itemFigures;
    if (!needed) { then(); return; }
    const script = document.createElement("script");
    script.src = page.more;
    script.onload = () => { data = window.itemFigures; then(); };
    script.onerror = () => { state.who = "total:all"; then(); $("choice-note").textContent = "Some figures could not be loaded: their file is missing beside this page."; };
    document.head.append(script);
  }

  // ---- don't know out of the base -----------------------------------------------------------------------------------
  const WITHOUT = "computed without “don’t know”: no interval";
  function withoutUnknown(rows, all) {
    const unknown = new Map();
    for (const row of all) {
      if (!UNKNOWN.has(data.categories[row[E.category]][2])) continue;
      const key = `${row[E.wave]}|${row[E.group]}|${row[E.question]}`;
      unknown.set(key, [...(unknown.get(key) || []), row]);
    }
    const missing = new Set(), out = [];
    for (const row of rows) {
      if (UNKNOWN.has(data.categories[row[E.category]][2])) continue;
      const away = unknown.get(`${row[E.wave]}|${row[E.group]}|${row[E.question]}`) || [];
      const exact = (one) => one[E.percent] !== null && one[E.qualifier] === "exact";
      const sum = away.reduce((total, one) => total + one[E.percent], 0);
      if (!away.length || !away.every(exact) || !exact(row) || sum >= 100 || row[E.percent] + sum > 100.5) {
        missing.add(data.waves[row[E.wave]][1]);
        continue;
      }
      const made = [...row];
      made[E.percent] = Math.min(100, row[E.percent] / (100 - sum) * 100);
      made[E.low] = made[E.high] = made[E.effective] = null;
      made.recomputed = true;
      out.push(made);
    }
    return [out, [...missing]];
  }

  // ---- lines of the view --------------------------------------------------------------------------------------------
  function look() {
    const [banner, value] = [state.who.slice(0, state.who.indexOf(":")), state.who.slice(state.who.indexOf(":") + 1)];
    const groups = new Set(data.groups.map((g, at) => [g, at]).filter(([g]) => g[0] === banner && (value === "*" || g[1] === value)).map(([, at]) => at));
    const categories = new Set(data.categories.map((c, at) => [c, at]).filter(([c]) => state.answer === "*" || c[0] === state.answer).map(([, at]) => at));
    const houses = new Set(data.series.map((s, at) => [s, at]).filter(([s]) => state.house === "all" || `${s[0]}/${s[1]}` === state.house).map(([, at]) => at));
    const inView = (row) => groups.has(row[E.group]) && categories.has(row[E.category]) && houses.has(data.waves[row[E.wave]][0]);
    let rows = data.estimates.filter(inView), missing = [], refused = "";
    if (state.dk) {
      if (data.answer === "multiple") refused = "Several answers were allowed, so “don’t know” cannot be taken out of the base.";
      else [rows, missing] = withoutUnknown(rows, data.estimates);
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
    return { lines: list, drawn, missing, refused, recomputed: state.dk && !refused };
  }
  function colour(drawn) {
    const many = drawn.length > COLOURS.length;
    if (many && !state.bright) state.bright = new Set([...drawn].sort((a, b) => b.points.length - a.points.length).slice(0, 5).map((l) => l.key));
    if (!many) state.bright = null;
    let next = 0;
    drawn.forEach((line, at) => {
      line.bright = !many || state.bright.has(line.key);
      line.shape = (many ? (line.bright ? next : at) : at) % 6;
      line.colour = line.bright ? COLOURS[next++ % COLOURS.length] : GREY;
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
    const small = width < 560, height = small ? 300 : 380, left = 36, right = 18, top = 18, bottom = 40;
    const points = view.drawn.flatMap((line) => line.points);
    const times = points.map((p) => p.at), span = Math.max(...times) - Math.min(...times);
    const air = Math.max(span * 0.05, 20 * 86400000), first = Math.min(...times) - air, last = Math.max(...times) + air;
    const highest = Math.max(...points.map((p) => p.row[E.high] ?? p.row[E.percent]), 1) * 1.1;
    const unit = [0.5, 1, 2, 5, 10, 20, 25].find((u) => highest / u <= 5.5) || 25;
    const most = Math.min(100, Math.ceil(highest / unit) * unit);
    const x = (at) => left + (at - first) / (last - first) * (width - left - right);
    const y = (value) => height - bottom - Math.min(value, most) / most * (height - top - bottom);
    const text = (tx, ty, what, extra = "") => `<text x="${tx.toFixed(1)}" y="${ty.toFixed(1)}" font-size="12" fill="${SOFT}" ${extra}>${esc(what)}</text>`;
    let back = "", paths = "";
    for (let value = 0; value <= most + 1e-9; value += unit) {
      back += `<line x1="${left}" x2="${width - right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" stroke="${value ? "#e6eaed" : "#8a959e"}"/>`;
      back += text(left - 6, y(value) + 4, rounded(value) + (value + unit > most + 1e-9 ? " %" : ""), 'text-anchor="end"');
    }
    for (const [at, label] of ticks(first, last, width - left - right)) {
      back += `<line x1="${x(at).toFixed(1)}" x2="${x(at).toFixed(1)}" y1="${height - bottom}" y2="${height - bottom + 5}" stroke="#8a959e"/>`;
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
            paths += `<line x1="${at(before).toFixed(1)}" y1="${y(before.row[E.percent]).toFixed(1)}" x2="${px.toFixed(1)}" y2="${py.toFixed(1)}" stroke="${line.colour}" stroke-width="${line.bright ? 2 : 1}"${dash}/>`;
          }
          if (wordingOf(before.row) !== wordingOf(row)) wordings.set(`${line.series}|${row[E.wave]}`, { px: x(point.at), row, before: before.row, line });
        }
        const bar = row[E.low] === null || row.recomputed ? "" :
          `<line x1="${px.toFixed(1)}" x2="${px.toFixed(1)}" y1="${y(row[E.low]).toFixed(1)}" y2="${y(row[E.high]).toFixed(1)}" stroke="${line.colour}" stroke-width="${line.bright ? 3 : 1.5}" stroke-opacity=".38" stroke-linecap="round"/>`;
        figures.push(figureOf(tipOf(line, row), px, bar + mark(line.shape, px, py, line.bright ? 4.6 : 3, bar ? line.colour : "#fff", line.colour), line.bright));
        taken.push([px - 5, px + 5, Math.min(py - 5, bar ? y(row[E.high]) : py), Math.max(py + 5, bar ? y(row[E.low]) : py)]);
        if (line.bright) labels.push({ px, py: Math.min(py - 7, bar ? y(row[E.high]) - 4 : py), text: share(row[E.percent]), colour: line.colour, last: place === line.points.length - 1 || place === 0 });
      });
    });
    let written = "";
    if (points.length <= 60) for (const label of [...labels.filter((l) => l.last), ...labels.filter((l) => !l.last)]) {
      const half = label.text.length * 3.7 + 2, box = [label.px - half, label.px + half, label.py - 14, label.py - 1];
      if (label.py < 14 || taken.some((t) => box[0] < t[1] && t[0] < box[1] && box[2] < t[3] && t[2] < box[3])) continue;
      taken.push(box);
      written += `<text x="${label.px.toFixed(1)}" y="${(label.py - 3).toFixed(1)}" font-size="12.5" font-weight="600" text-anchor="middle" fill="${view.drawn.length > 1 ? label.colour : INK}">${esc(label.text)}</text>`;
    }
    for (const { x: bx, before, row, line, reasons, word } of breaks.values()) {
      const [one, two] = [data.waves[before[E.wave] ?? before.row[E.wave]], data.waves[row[E.wave]]];
      const house = view.drawn.some((l) => l.series !== line.series) ? `${seriesName(data.series[line.series])}\n` : "";
      const tip = `${house}${word[0].toUpperCase()}${word.slice(1)} between wave ${one[1]} and wave ${two[1]}: the line stops.\n${[...reasons].join("\n")}`;
      figures.push(figureOf(tip, bx, `<line x1="${bx.toFixed(1)}" x2="${bx.toFixed(1)}" y1="${top}" y2="${height - bottom}" stroke="#a4232e" stroke-opacity=".55" stroke-dasharray="2 4"/><rect x="${(bx - 9).toFixed(1)}" y="${top - 9}" width="18" height="18" rx="9" fill="#fff" stroke="#a4232e" class="halo"/><text x="${bx.toFixed(1)}" y="${top + 4.5}" font-size="12" font-weight="700" text-anchor="middle" fill="#a4232e">≠</text>`));
    }
    for (const { px, row, before } of wordings.values()) {
      const tip = `Other words in wave ${data.waves[row[E.wave]][1]} than in wave ${data.waves[before[E.wave]][1]}\nNow: ${wordingOf(row)}\nBefore: ${wordingOf(before)}`;
      const fy = height - bottom + 10;
      figures.push(figureOf(tip, px, `<rect x="${(px - 8).toFixed(1)}" y="${fy - 6}" width="16" height="14" fill="#fff" fill-opacity="0"/><polygon points="${px - 5},${fy + 4} ${px + 5},${fy + 4} ${px},${fy - 5}" fill="#7d5000" stroke="#fff" class="halo"/>`));
    }
    figures.sort((a, b) => a.front - b.front || a.x - b.x); // what is bright lies on top
    const inner = back + paths + figures.map((f) => f.svg).join("") + `<g pointer-events="none">${written}</g>`;
    return { width, height, inner };
  }

  const svgOf = (picture) => `<svg xmlns="http://www.w3.org/2000/svg" width="${picture.width}" height="${picture.height}" viewBox="0 0 ${picture.width} ${picture.height}" role="group" aria-labelledby="chart-title" aria-describedby="chart-help" font-family="system-ui, sans-serif">${picture.inner}</svg>`;
  const swatch = (line) => `<line x1="0" x2="22" y1="8" y2="8" stroke="${line.colour}" stroke-width="2"/>${mark(line.shape, 11, 8, 4.2, line.colour, line.colour)}`;

  function caption() {
    const answer = state.answer === "*" ? "All answers" : `“${data.categories.find((c) => c[0] === state.answer)?.[1] ?? ""}”`;
    const who = state.who.endsWith(":*") ? state.who.slice(0, -2).replaceAll("_", " ") : words(data.groups.find((g) => `${g[0]}:${g[1]}` === state.who) || ["total", "all"]);
    const house = data.series.length === 1 ? seriesName(data.series[0]) : state.house === "all" ? "" : seriesName(data.series.find((s) => `${s[0]}/${s[1]}` === state.house));
    return `${answer}, ${who}${house ? `, ${house}` : ""}: per cent${view.recomputed ? " of those with an opinion" : ", 95 % intervals"}`;
  }
  function paint() {
    const figure = $("figure");
    figure.hidden = !view.drawn.length;
    $("downloads").hidden = !view.lines.length;
    for (const button of $("downloads").querySelectorAll('[data-get="svg"],[data-get="png"]')) button.disabled = !view.drawn.length;
    if (!view.drawn.length) return;
    $("chart-title").textContent = caption();
    const held = [...$("chart").querySelectorAll("[data-tip]")].indexOf(document.activeElement);
    $("chart").innerHTML = svgOf(draw(Math.max(300, Math.min(1000, $("chart").clientWidth || 900)))) + '<p id="chart-help" class="small">Left and right arrow keys go through the points, breaks and changes of wording.</p>';
    const marks = $("chart").querySelectorAll("[data-tip]");
    if (marks.length) marks[Math.max(0, held)]?.setAttribute("tabindex", "0");
    if (held >= 0) marks[held]?.focus();
    const key = (line) => `<svg width="22" height="16" aria-hidden="true">${swatch(line)}</svg>${esc(line.name)}`;
    const many = view.drawn.length > COLOURS.length;
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
        `<td class="small">${esc(notes.join("; "))}</td><td class="citing">${row.recomputed || row[E.hidden] ? "" : `<button type="button" class="cite" data-cite="${esc(row[E.id])}" aria-label="Cite wave ${esc(wave[1])}${several ? ", " + esc(line.name) : ""}">cite</button>`}</td></tr>`;
    });
    $("figures").innerHTML = cells.length ? `<table>${head([...(several ? [["Line"]] : []), ["Wave"], ["Fieldwork"], ["Per cent", "num"], ["95 % interval", "num"], ["n", "num"], ["Effective n", "num"], ["Notes"], ["Citation", "citing"]])}<tbody>${cells.join("")}</tbody></table>` : "<p>No figures for this choice.</p>";
    changes(several);
  }
  function verdict(step) {
    const size = rounded(Math.abs(step[C.change] ?? 0)), points = size === "1" ? "point" : "points";
    if (step[C.verdict] === "rise") return `<span class="verdict">rose</span> by ${size} ${points}`;
    if (step[C.verdict] === "fall") return `<span class="verdict">fell</span> by ${size} ${points}`;
    if (step[C.verdict] === "no_detectable_change") return '<span class="verdict">no detectable change</span>';
    return PARTED.has(step[C.comparability]) ? `<span class="verdict">not compared</span>` : '<span class="verdict">not tested</span>';
  }
  function changes(several) {
    if (view.recomputed) { $("changes").innerHTML = "<p>Changes are tested with “don’t know” in the base, as published. Put it back in to see them.</p>"; return; }
    const found = view.lines.flatMap((line) => data.changes.filter((s) => data.waves[s[C.to]][0] === line.series && s[C.category] === line.category && s[C.group] === line.group).map((step) => ({ line, step })));
    found.reverse();
    const cells = found.map(({ line, step }) => {
      const [one, two] = [data.waves[step[C.from]], data.waves[step[C.to]]], reasons = step[C.reasons].map((at) => data.texts[at]);
      const plain = step[C.comparability] === "comparable";
      return `<tr>${several ? `<td>${esc(line.name)}</td>` : ""}<th scope="row" class="when">${esc(one[1])} to ${esc(two[1])}${PAIRS[step[C.pair]] ? `<br><span class="small">${PAIRS[step[C.pair]]}</span>` : ""}</th><td class="num">${step[C.change] === null ? "" : signed(step[C.change])}</td>` +
        `<td class="num">${step[C.low] === null ? "" : `${signed(step[C.low])} to ${signed(step[C.high])}`}</td><td class="num">${step[C.p] === null ? "" : step[C.p] < 0.001 ? "under 0.001" : step[C.p].toFixed(3)}</td>` +
        `<td class="num">${step[C.detectable] === null ? "" : rounded(step[C.detectable])}</td><td>${verdict(step)}</td>` +
        `<td class="small">${plain ? "" : `<span class="step ${esc(step[C.comparability])}">${COMPARABILITY[step[C.comparability]]}</span>${reasons.length ? ": " : ""}`}${esc(reasons.map((reason) => reason.replace(/\.$/, "")).join("; "))}</td></tr>`;
    });
    $("changes").innerHTML = cells.length ? `<table>${head([...(several ? [["Line"]] : []), ["Step"], ["Points", "num"], ["95 % interval", "num"], ["p (Holm)", "num"], ["Smallest detectable", "num"], ["Verdict"], ["Comparability"]])}<tbody>${cells.join("")}</tbody></table>` : "<p>There are no two waves to compare in this view.</p>";
  }

  // ---- taking away --------------------------------------------------------------------------------------------------
  const safe = (text) => { const t = String(text ?? ""); return /^[=+\-@\t\r]/.test(t) ? "'" + t : t; };
  const quoted = (cell) => typeof cell === "number" ? String(cell) : `"${safe(cell).replaceAll('"', '""')}"`;
  function csv() {
    const columns = ["organisation", "series", "wave", "fieldwork_start", "fieldwork_end", "item", "category", "answer", "subgroup", "subgroup_value", "percent", "percent_low", "percent_high", "n", "n_effective", "qualifier", "dont_know", "notes", "wording", "interval", "source_url", "estimate_id"];
    const lines = view.lines.flatMap((line) => line.rows.map((row) => {
      const wave = data.waves[row[E.wave]], series = data.series[wave[0]], category = data.categories[row[E.category]], group = data.groups[row[E.group]];
      return [series[0], series[1], wave[1], wave[2], wave[3], data.item, category[0], category[1], ...group, row[E.percent], row[E.low], row[E.high], row[E.n], row[E.effective], row[E.qualifier],
        row.recomputed ? "left out" : "as published", row[E.flags].map((at) => data.texts[at]).join("; "), wordingOf(row), data.texts[row[E.method]], data.texts[row[E.url]], row.recomputed ? "" : row[E.id]];
    }));
    return "\ufeff" + [columns, ...lines].map((cells) => cells.map((cell) => cell === null ? "" : quoted(cell)).join(",")).join("\r\n") + "\r\n";
  }
  function poster() {
    const width = 960, edge = 16, picture = draw(width - edge), rows = [];
    const wrap = (text, room) => {
      const lines = [""];
      for (const word of text.split(/\s+/)) {
        if ((lines[lines.length - 1] + word).length * room.letter > width - 40 && lines[lines.length - 1]) lines.push("");
        lines[lines.length - 1] += word + " ";
      }
      return lines.map((line) => [line.trim(), room]);
    };
    const big = { size: 20, letter: 10.2, weight: 600, fill: INK, step: 26 }, plain = { size: 14, letter: 7, weight: 400, fill: SOFT, step: 20 }, fine = { size: 12, letter: 6.1, weight: 400, fill: SOFT, step: 17 };
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
        rows.push(`<g transform="translate(${x},${at})">${swatch(line)}<text x="28" y="12.5" font-size="12.5" fill="${INK}">${esc(line.name)}</text></g>`);
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
      if (view.missing.length) notes.push(`Not possible for wave ${view.missing.join(", ")}: no exact share of “don’t know” is published there.`);
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
  addEventListener("hashchange", () => { if (location.hash.includes("=")) { read(); show(); refresh(); } });
  let width = 0;
  new ResizeObserver(([entry]) => { const now = Math.round(entry.contentRect.width); if (view && now !== width) { width = now; paint(); } }).observe($("trend"));

  form.hidden = false;
  read();
  load(() => { offer(); show(); refresh(); });
})();

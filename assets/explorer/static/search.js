// The search of the front page. Belongs here: finding and showing entries of the index. Does not belong here: the index
// itself (search-index.js, made by assets/explorer/overview.py; loaded by a script element, since a page on a disk may
// not fetch).
"use strict";
(() => {
  const input = document.getElementById("q"), results = document.getElementById("results"), told = document.getElementById("found");
  const MOST = 40, NAMES = { item: "question", organisation: "organisation", wave: "wave" };
  const plain = (text) => text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
  const esc = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
  let entries = null;
  const prepare = () => entries ??= (window.searchIndex || []).map(([kind, title, href, note, wordings, keywords]) =>
    ({ kind, title, href, note, wordings, head: plain(title), all: plain([title, note, keywords, ...wordings].join(" \n ")) }));
  // An entry scores by how well its title answers: whole words before beginnings before anywhere else.
  function score(entry, words) {
    let sum = { item: 3, organisation: 2, wave: 0 }[entry.kind];
    for (const word of words) {
      if (!entry.all.includes(word)) return -1;
      const at = entry.head.indexOf(word);
      if (at >= 0) sum += at === 0 || /\W/.test(entry.head[at - 1]) ? 6 : 3;
      else if (entry.all.includes(" " + word)) sum += 1;
    }
    return sum;
  }
  // The wording that was asked in some wave, where the words stand there and not in the title.
  const spoken = (entry, words) => words.every((word) => entry.head.includes(word)) ? entry.wordings[0] :
    entry.wordings.find((text) => words.every((word) => plain(text).includes(word))) || entry.wordings[0];
  function find() {
    const words = plain(input.value).split(/\s+/).filter(Boolean);
    if (!words.length) { results.innerHTML = ""; told.textContent = ""; return; }
    const found = prepare().map((entry) => [score(entry, words), entry]).filter(([points]) => points >= 0)
      .sort((a, b) => b[0] - a[0] || (a[1].title < b[1].title ? -1 : 1));
    told.textContent = found.length ? `${found.length} found${found.length > MOST ? `, the first ${MOST} shown` : ""}` : "Nothing found. Try fewer words.";
    results.innerHTML = found.slice(0, MOST).map(([, entry]) => {
      const text = spoken(entry, words);
      return `<li><span class="kind">${NAMES[entry.kind]}</span><a href="${esc(entry.href)}"><b>${esc(entry.title)}</b></a> <span class="small">${esc(entry.note)}</span>${text ? `<br><span class="small">“${esc(text)}”</span>` : ""}</li>`;
    }).join("");
  }
  const links = () => [...results.querySelectorAll("a")];
  input.addEventListener("input", find);
  input.form.addEventListener("submit", (event) => { event.preventDefault(); links()[0]?.click(); });
  input.form.parentElement.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.activeElement !== input) { input.focus(); return; }
    const all = [input, ...links()], here = all.indexOf(document.activeElement);
    const next = { ArrowDown: here + 1, ArrowUp: here - 1 }[event.key];
    if (here < 0 || next === undefined || !all[next]) return;
    event.preventDefault();
    all[next].focus();
  });
  if (new URLSearchParams(location.search).has("q")) input.value = new URLSearchParams(location.search).get("q");
  find();
})();

"""The explorer in a real browser, from the disk: search, choices, reasons on hover and focus, downloads.

Belongs here: what scripts do. Does not belong here: what stands in the pages (test_explorer). Needs Chromium and the
package playwright; without them these tests say so and are skipped.
"""

import csv
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import openpyxl
import pytest

from assets.explorer import build

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright (requirements-dev.lock)")

CHROMIUM = os.environ.get("WEATHERVANE_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
ARMY = "items/belarus-army-role.html"
LEVADA = "items/russian-armed-forces-support.html"
CONCESSIONS = "items/territorial-concessions.html"
BROKEN = "items/foreign-policy-orientation-belarus.html"


@pytest.fixture(scope="module")
def site(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browsed")
    build.build(published, folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator:
    if not CHROMIUM:
        pytest.skip("needs Chromium; none is on the path (WEATHERVANE_CHROMIUM names one)")
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield running
        running.close()


@pytest.fixture
def visit(browser, site) -> Iterator:
    """Open a page of the site; afterwards nothing may have gone wrong or been asked of the network."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    troubles: list[str] = []

    def visited(address: str, **size: int):
        page = context.new_page()
        if size:
            page.set_viewport_size(size)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda line: troubles.append(line.text) if line.type == "error" else None)
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(("file:", "data:", "blob:")) else troubles.append(asked.url),
        )
        page.goto(site.as_uri() + "/" + address)
        return page

    yield visited
    context.close()
    assert troubles == []


def ask(published: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(published.resolve()), read_only=True) as con:
        return con.execute(query).fetchall()


def test_the_search_finds_by_title_wording_keyword_and_house_with_the_keyboard_alone(visit):
    page = visit("index.html")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to content"
    box = page.get_by_role("searchbox")
    box.fill("three percent")
    assert "What Belarus should do in the war" in page.locator("#results a").first.inner_text()
    box.fill("armed forces support levada")
    assert page.locator("#results li").count() >= 1
    assert re.match(r"\d+ found", page.locator("#found").inner_text())
    box.fill("context of the war")  # words of one wave, not of the title
    assert "context of the war" in page.locator("#results").inner_text()
    box.fill("levada")
    box.press("ArrowDown")
    assert page.locator("#results a:focus").count() == 1
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "q"
    box.fill("zzzz")
    assert page.locator("#found").inner_text() == "Nothing found. Try fewer words."
    box.fill("what belarus should do in the war")
    box.press("Enter")
    page.wait_for_url("**/items/belarus-army-role.html")


def test_a_trend_has_points_intervals_and_a_table_that_agree_with_the_database(visit, published):
    page = visit(ARMY)
    rows = ask(
        published,
        "SELECT wave, percent FROM trends WHERE item = 'belarus-army-role' AND category = 'join_russia'"
        " AND subgroup = 'total' ORDER BY position",
    )
    tips = page.locator("#chart [data-tip^=Wave]").evaluate_all("marks => marks.map(mark => mark.dataset.tip)")
    assert [re.match(r"Wave (\S+), .*\n(\S+) %", tip).groups() for tip in tips] == [
        (wave, f"{percent:g}") for wave, percent in rows
    ]
    assert "95 % interval 2.1 to 4.3" in tips[0] and "n = 896" in tips[0]
    table = page.locator("#figures tbody tr").all_inner_texts()
    assert len(table) == 5 and any(line.startswith("08\t5 to 14 Mar 2022\t3\t2.1 to 4.3\t896\t896") for line in table)
    told = page.locator("#changes").inner_text()
    assert "rose by 3 points" in told and "no detectable change" in told and "not tested" in told


def test_a_point_tells_on_hover_and_on_focus(visit):
    page = visit(ARMY)
    tip = page.locator("#tip")
    assert tip.is_hidden()
    page.locator("#chart [data-tip^=Wave]").first.hover()
    assert "n = 896" in tip.inner_text()
    page.mouse.move(2, 2)
    assert tip.is_hidden()
    first = page.locator("#chart [tabindex='0']")
    assert first.count() == 1  # one stop for the Tab key, arrows inside
    first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.tip") == tip.inner_text()
    page.keyboard.press("End")
    assert "2023-03" in tip.inner_text()
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_a_broken_trend_has_a_gap_with_its_reason(visit, published):
    name = BROKEN.split("/")[1].removesuffix(".html")
    breaks = ask(
        published,
        f"SELECT c.category, c.wave_from, c.wave_to, c.reasons FROM changes AS c WHERE c.item = '{name}'"
        " AND c.subgroup = 'total' AND c.pair = 'consecutive'"
        " AND c.comparability IN ('break', 'not_comparable') ORDER BY ALL LIMIT 1",
    )
    ((category, earlier, later, reasons),) = breaks
    page = visit(f"{BROKEN}#answer={category}")
    mark = page.locator(f"#chart [data-tip*='between wave {earlier} and wave {later}']").first
    mark.focus()
    assert reasons[0] in page.locator("#tip").inner_text()
    assert mark.get_attribute("aria-label") == page.locator("#tip").inner_text()
    assert "not compared" in page.locator("#changes").inner_text()
    segments = ask(
        published,
        f"SELECT count(*) - count(DISTINCT (organisation, series, segment)) FROM trends WHERE item = '{name}'"
        f" AND category = '{category}' AND subgroup = 'total' AND percent IS NOT NULL",
    )
    assert page.locator("#chart svg > line[stroke-width]").count() == segments[0][0]  # nothing joins across the gap


def test_answers_and_groups_are_chosen_and_the_choice_is_an_address(visit, site):
    page = visit(LEVADA)
    page.select_option("[name=answer]", "definitely_support")
    assert "Definitely support" in page.locator("#chart-title").inner_text()
    page.select_option("[name=who]", label="18-24")
    page.wait_for_function("document.querySelector('#chart-title').textContent.includes('18-24')")
    assert "answer=definitely_support" in page.url and "who=age" in page.url
    again = visit(page.url.removeprefix(site.as_uri() + "/"))
    again.wait_for_function("document.querySelector('#chart-title').textContent.includes('18-24')")
    assert again.locator("#figures").inner_text() == page.locator("#figures").inner_text()
    page.select_option("[name=answer]", "*")
    assert page.locator("#legend .key").count() >= 2


def test_dont_know_leaves_the_base_as_the_database_reads_it(visit, published):
    page = visit(CONCESSIONS)
    answer = page.locator("[name=answer]").input_value()
    ((share, low, high),) = ask(
        published,
        "SELECT percent, percent_low, percent_high FROM readings WHERE reading = 'without_dont_know'"
        f" AND item = 'territorial-concessions' AND category = '{answer}' AND wave = '2023-12' AND subgroup = 'total'",
    )
    page.get_by_label("Leave “don’t know” out of the base").check()
    cells = page.locator("#figures tbody tr", has_text="2023-12").inner_text().split("\t")
    assert [float(cell) for cell in (cells[2], *cells[3].split(" to "))] == pytest.approx([share, low, high], abs=0.051)
    assert "without “don’t know”" in page.locator("#shared-notes").inner_text() + page.locator("#figures").inner_text()
    assert page.locator("#figures button").count() == 0  # the database cites estimates, this is a reading of one
    assert "Standard error" in page.locator("#changes").inner_text()
    assert "dk=out" in page.url


def test_a_database_without_readings_still_divides_what_is_published(browser, published, tmp_path):
    database = tmp_path / "old.duckdb"
    shutil.copy(published.resolve(), database)
    database.chmod(0o644)
    with duckdb.connect(str(database)) as con:
        for table in ("readings", "change_readings", "composition", "concepts", "house_effects", "house_lines"):
            con.execute(f"DROP TABLE {table}")
    build.build(database, tmp_path / "pages")
    context = browser.new_context()
    page = context.new_page()
    page.goto((tmp_path / "pages" / CONCESSIONS).as_uri() + "#dk=out")
    answer = page.locator("[name=answer]").input_value()
    ((share, unknown),) = ask(
        published,
        f"SELECT max(percent) FILTER (category = '{answer}'), sum(percent) FILTER (kind IN ('dont_know', 'refused'))"
        " FROM estimates JOIN categories USING (item, category)"
        " WHERE item = 'territorial-concessions' AND wave = '2023-12' AND subgroup = 'total'",
    )
    row = page.locator("#figures tbody tr", has_text="2023-12").inner_text()
    expected = f"{share / (100 - unknown) * 100:.1f}".removesuffix(".0")
    assert row.split("\t")[2] == expected and "none" in row
    assert "computed without “don’t know”" in page.locator("#shared-notes").inner_text() + row
    assert page.locator("#figures button").count() == 0  # nobody published it: nothing to cite
    assert "tested with “don’t know” in the base" in page.locator("#changes").inner_text()
    context.close()


def test_dont_know_stays_where_its_share_or_the_question_does_not_allow_it(visit, published):
    page = visit(LEVADA + "#answer=support&dk=out")
    told = page.locator("#choice-note").inner_text()
    assert told.startswith("Not possible for wave") and "2023-09" in told and "2024-01" not in told.partition(":")[0]
    ((several,),) = ask(
        published,
        "SELECT min(item) FROM items WHERE answer = 'multiple' AND item IN (SELECT item FROM estimates"
        " WHERE subgroup = 'total')",
    )
    page = visit(f"items/{several}.html#dk=out")
    assert "Several answers were allowed" in page.locator("#choice-note").inner_text()


def test_what_is_downloaded_is_what_is_seen(visit, published, tmp_path):
    page = visit(ARMY)
    taken = {}
    for kind in ("csv", "svg", "png"):
        with page.expect_download() as started:
            page.locator(f"[data-get={kind}]").click()
        assert started.value.suggested_filename == f"belarus-army-role_join_russia.{kind}"
        started.value.save_as(tmp_path / kind)
        taken[kind] = (tmp_path / kind).read_bytes()
    rows = list(csv.DictReader(io.StringIO(taken["csv"].decode("utf-8-sig"))))
    stands = ask(
        published,
        "SELECT wave, estimate_id, percent, n FROM estimates WHERE item = 'belarus-army-role'"
        " AND category = 'join_russia' AND subgroup = 'total' ORDER BY fieldwork_start",
    )
    assert [(r["wave"], r["estimate_id"]) for r in rows] == [(wave, known) for wave, known, *_ in stands]
    for row, (_, _, percent, n) in zip(rows, stands, strict=True):
        assert row["percent"] == ("" if percent is None else f"{percent:g}") and row["n"] == (
            "" if n is None else str(n)
        )
    assert (
        taken["svg"].startswith(b'<svg xmlns="http://www.w3.org/2000/svg"') and b"Source: Chatham House" in taken["svg"]
    )
    assert taken["png"].startswith(b"\x89PNG") and len(taken["png"]) > 20_000


def test_the_workbook_has_the_view_its_changes_and_its_notes(visit, site, tmp_path):
    """Read by openpyxl, which did not write it. No text is a formula, whatever it begins with."""
    text = (site / ARMY).read_text(encoding="utf-8")
    label = "Take part in military action on Russia's side"
    (site / "items" / "sheet.html").write_text(text.replace(f'"{label}"', '"=1+1 <&> \\u0001"'), encoding="utf-8")
    page = visit("items/sheet.html")
    taken = []
    for _ in range(2):
        with page.expect_download() as started:
            page.locator("[data-get=xlsx]").click()
        assert started.value.suggested_filename == "belarus-army-role_join_russia.xlsx"
        taken.append(Path(started.value.path()).read_bytes())
    assert taken[0] == taken[1]  # no clock in it
    (tmp_path / "view.xlsx").write_bytes(taken[0])
    book = openpyxl.load_workbook(tmp_path / "view.xlsx")
    assert book.sheetnames == ["Figures", "Changes", "Notes"]
    head, *rows = book["Figures"].iter_rows(values_only=True)
    first = dict(zip(head, rows[0], strict=True))
    assert (first["wave"], first["percent"], first["percent_low"], first["n"]) == ("08", 3, 2.0681, 896)
    assert first["answer"] == "=1+1 <&> "
    assert {cell.data_type for row in book["Figures"].iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
    steps = [row[2:4] + row[12:13] for row in book["Changes"].iter_rows(min_row=2, values_only=True)]
    assert ("08", "09", "rise") in steps and ("09", "10", "no detectable change") in steps
    told = dict(book["Notes"].iter_rows(min_row=2, values_only=True))
    assert told["Item"].endswith("(belarus-army-role)") and "gazeta.pl" in told["Sources"]


def test_did_it_change_is_told_in_sentences(visit, published):
    page = visit(ARMY)
    told = page.locator("#change-words").inner_text()
    assert "Of 3 steps from wave to wave: 1 rise (08 to 09: +3), 1 without a detectable change, 1 not tested." in told
    ((waves, first, last),) = ask(
        published,
        "SELECT waves, wave_from, wave_to FROM trend_tests WHERE item = 'belarus-army-role'"
        " AND category = 'join_russia' AND subgroup = 'total' AND verdict = 'not_straight'",
    )
    assert f"Over the {waves} waves {first} to {last} it went up and down by more than chance" in told


def test_readings_that_turn_a_change_round_and_its_two_parts_are_told(visit, site):
    """On data put into the page: the shipped catalogue has no respondents' answers."""
    text = (site / ARMY).read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text).group(1))
    step = next(row for row in data["changes"] if row[9] == "rise")
    step[13] = [-1.25, 0.5, 0.012, "fall", 1, 1]
    data["texts"].append("age")
    data["splits"].append([*step[:3], len(data["texts"]) - 1, "consecutive", 4, 3, 0.5, 0.1, 2.5, 0.2, []])
    made = json.dumps(data).replace("<", "\\u003c")
    page_text = re.sub(r'(id="data">).*?(</script>)', lambda found: found[1] + made + found[2], text, count=1)
    (site / "items" / "turned.html").write_text(page_text, encoding="utf-8")
    page = visit("items/turned.html")
    assert "Without “don’t know” it goes the other way: -1.3 points." in page.locator("#changes").inner_text()
    page.locator("#parts summary").click()
    told = page.locator("#parts-list").inner_text()
    assert told.startswith(
        "08 to 09: of +3 points, +0.5 (standard error 0.1) go with another make-up of the sample by age"
    )
    assert "+2.5 (standard error 0.2) happened within its 4 groups" in told


STOP = """(() => {
  const { name, dataset, id, textContent } = document.activeElement;
  return name || dataset.get || dataset.tip || id || dataset.cite || textContent;
})()"""


def test_everything_is_reached_with_the_keyboard_alone(visit):
    page = visit(ARMY)
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(STOP))
        if "-join-war" in page.evaluate("document.activeElement.href || ''"):
            break
    order = [seen.index(stop) for stop in ("answer", "dk", "csv", "xlsx", "svg", "png", "link", "figures", "changes")]
    assert order == sorted(order)
    assert any(str(stop).startswith("Wave 08") for stop in seen)  # the picture is one stop
    page.locator("[name=answer]").focus()
    before = page.locator("#chart-title").inner_text()
    page.keyboard.press("ArrowDown")
    assert page.locator("#chart-title").inner_text() != before and "answer=" in page.url
    page.get_by_role("button", name="Cite wave").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#citation").is_visible()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "cite"


CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8").partition("\n() =>")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "address",
    ["index.html", ARMY, BROKEN + "#answer=*", "waves/chatham-house/belarus/08.html", "claims.html", "dictionary.html",
     "organisations/levada.html"],
)  # fmt: skip
def test_texts_and_marks_stand_out_by_day_and_by_night(visit, address, scheme):
    page = visit(address)
    page.emulate_media(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.wait_for_timeout(50)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 25, 30)"
    assert dark == (scheme == "dark")
    assert page.evaluate("() =>" + CONTRAST[2]) == []


def test_a_printed_page_is_on_white_paper_and_without_controls(visit):
    page = visit(ARMY)
    page.emulate_media(color_scheme="dark", media="print")
    page.wait_for_timeout(50)
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--ink').trim()") == "#1d2730"
    assert not any(
        page.locator(name).first.is_visible() for name in ("header.top", "#choices", "#downloads", "button.cite")
    )
    assert page.locator("#chart circle").first.get_attribute("stroke") == "#0072b2"
    assert page.locator("#figures table").is_visible()


def test_a_picture_that_is_taken_away_by_night_is_on_white_paper(visit):
    page = visit(ARMY)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(50)
    assert page.locator("#chart circle").first.get_attribute("stroke") == "#5ab4f0"
    with page.expect_download() as started:
        page.locator("[data-get=svg]").click()
    svg = Path(started.value.path()).read_text(encoding="utf-8")
    assert "#0072b2" in svg and "#5ab4f0" not in svg
    page.select_option("[name=answer]", "*")  # the page itself stays dark
    assert "#0072b2" not in page.locator("#chart").inner_html()


AXE = """async () => {
  const { violations } = await axe.run(document, { preload: false });
  const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return serious.map(({ id, nodes }) => [id, nodes[0].html]);
}"""


@pytest.mark.soak
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, scheme):
    """With axe-core, which is not part of this project: AXE_CORE names its axe.min.js."""
    axe = os.environ.get("AXE_CORE")
    if not axe:
        pytest.skip("needs axe-core (npm pack axe-core); AXE_CORE names its axe.min.js")
    found = {}
    for address in ("index.html", ARMY, LEVADA, BROKEN, "waves/chatham-house/belarus/08.html", "claims.html",
                    "claims/2022-10-army-three-percent.html", "organisations/levada.html", "dictionary.html",
                    "revisions.html", "conflicts.html", "checks.html", "methods.html"):  # fmt: skip
        page = visit(address)
        page.emulate_media(color_scheme=scheme)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.evaluate(Path(axe).read_text(encoding="utf-8"))
        found[address] = page.evaluate(AXE)
        page.close()
    assert {address: told for address, told in found.items() if told} == {}


def test_cells_that_a_spreadsheet_would_run_are_made_harmless(visit, site):
    text = (site / ARMY).read_text(encoding="utf-8")
    label = "Take part in military action on Russia's side"
    (site / "items" / "hostile.html").write_text(text.replace(f'"{label}"', '"=1+1"'), encoding="utf-8")
    page = visit("items/hostile.html")
    with page.expect_download() as started:
        page.locator("[data-get=csv]").click()
    rows = list(csv.DictReader(io.StringIO(Path(started.value.path()).read_bytes().decode("utf-8-sig"))))
    assert {row["answer"] for row in rows} == {"'=1+1"}
    assert rows[0]["percent_low"] == "2.0681"  # numbers stay numbers


def test_a_citation_names_everything(visit):
    page = visit(ARMY)
    page.get_by_role("button", name="Cite wave 08").click()
    text = page.locator("#citation-text").inner_text()
    for part in (
        "Chatham House (Belarus Initiative), Belarus Initiative online survey, wave 08.",
        "Fieldwork: 5 to 14 Mar 2022.",
        "n = 896.",
        "What should Belarus do after the start of military action between Russia and Ukraine",
        "3 % (95 % interval 2.1 to 4.3, wilson, model-based",
        "https://wiadomosci.gazeta.pl/",
        "Estimate e76d011a4e8564b07.",
    ):
        assert part in text, part
    page.keyboard.press("Escape")
    assert not page.locator("#citation").is_visible()


@pytest.mark.parametrize("address", ["index.html", ARMY, LEVADA, "waves/chatham-house/belarus/08.html", "claims.html"])
def test_a_phone_shows_a_page_without_scrolling_sideways(visit, address):
    page = visit(address, width=360, height=740)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_scripts_the_figures_are_there(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / ARMY).as_uri())
    assert "All figures stand in the tables below" in page.locator("noscript").inner_text()
    line = page.locator("#chatham-house--belarus--08").inner_text()
    assert line.startswith("08\t5 to 14 Mar 2022\t896\t3\t28")
    assert page.locator("#choices").is_hidden() and page.locator("#figure").is_hidden()
    context.close()

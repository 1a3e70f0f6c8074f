"""The explorer's pages, without a browser: what stands on them, that they hold together, that only changes are written.

Belongs here: pages as files. Does not belong here: what scripts do with them (test_explorer_browser), the audit's pages
(test_audit).
"""

import datetime as dt
import html
import itertools
import json
import re
import shutil
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from assets import refresh as refreshing
from assets.explorer import addresses, build, item, overview, words
from assets.publication.publish import read_about
from assets.refresh import refresh
from pipeline.cli import site as command
from pipeline.cli.main import app
from tests import factory
from tests.conftest import no_audit
from warehouse.layout import Layout

ARMY = "items/belarus-army-role.html"
HOSTILE = "<script>alert(1)</script> & \"quoted\" 'it' </script>"
MOST = 300_000  # bytes of a page


class Page(HTMLParser):
    """What a page links, loads and says; `ids` of its elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self._in: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        loaded = [found.get(name) for name in ("src", "srcset", "data", "poster")]
        self.loads += [value for value in [*loaded, found.get("href") if tag != "a" else None] if value]
        if found.get("id"):
            self.ids.append(str(found["id"]))
        self.handlers += [name for name in found if name.startswith("on")]
        self._in.append(tag)

    def handle_data(self, data: str) -> None:
        if self._in and self._in[-1] == "script":
            self.scripts.append(data)
        elif data.strip():
            self.words.append(data.strip())

    def handle_endtag(self, tag: str) -> None:
        self._in.append("")

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def data(self) -> dict:
        return next(json.loads(script) for script in self.scripts if script.startswith("{"))


@pytest.fixture(scope="module")
def shipped(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the shipped catalogue, with pages of an audit beside it."""
    site = tmp_path_factory.mktemp("site")
    (site / "audit").mkdir()
    (site / "audit" / "index.html").write_text("the audit")
    build.build(published, site)
    return site


@pytest.fixture(scope="module")
def pages(shipped: Path) -> dict[str, Page]:
    return {
        path.relative_to(shipped).as_posix(): Page(path.read_text(encoding="utf-8"))
        for path in shipped.rglob("*.html")
        if "audit" not in path.parts
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A small house with its site; tests look at it or work on a copy of its database."""
    return small_site(tmp_path_factory.mktemp("small"))


@pytest.fixture
def ask(published: Path) -> Callable[[str], list[tuple]]:
    def asked(query: str) -> list[tuple]:
        with duckdb.connect(str(published.resolve()), read_only=True) as con:
            return con.execute(query).fetchall()

    return asked


def small_site(tmp_path: Path, waves: int = 3) -> Layout:
    layout = factory.small_house(tmp_path, waves)
    refresh(layout, audit=no_audit)
    return layout


def opened_copy(layout: Layout, folder: Path) -> Path:
    """A copy of the published database that a test may write to."""
    database = folder / "copy.duckdb"
    shutil.copy(layout.link.resolve(), database)
    database.chmod(0o644)
    return database


# ---- what there is ---------------------------------------------------------------------------------------------------


def test_every_item_wave_and_organisation_has_a_page(pages, ask):
    expected = {addresses.item(name) for (name,) in ask("SELECT item FROM items")}
    expected |= {addresses.wave(*key) for key in ask("SELECT organisation, series, wave FROM waves")}
    expected |= {addresses.organisation(name) for (name,) in ask("SELECT organisation FROM organisations")}
    assert len(expected) > 200
    assert expected <= set(pages)
    assert {"index.html", "claims.html", "revisions.html", "conflicts.html", "checks.html", "dictionary.html"} <= set(
        pages
    )


def test_every_link_leads_somewhere(pages, shipped):
    missing = []
    for address, page in pages.items():
        for link in page.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme:
                assert parts.scheme in ("http", "https"), (address, link)
                continue
            target = (shipped / address).parent.joinpath(parts.path).resolve() if parts.path else shipped / address
            name = target.relative_to(shipped.resolve()).as_posix() if parts.path else address
            if not target.is_file():
                missing.append((address, link))
            anchor = parts.fragment if "=" not in parts.fragment else ""
            if anchor and name in pages and anchor not in pages[name].ids:
                missing.append((address, link))
    assert missing == []


def test_nothing_is_loaded_from_outside(pages, shipped):
    for address, page in pages.items():
        for loaded in page.loads:
            assert loaded == "data:," or not urllib.parse.urlsplit(loaded).scheme, (address, loaded)
            assert not loaded.startswith(("/", "//")), (address, loaded)
            if loaded != "data:,":
                assert (shipped / address).parent.joinpath(loaded).is_file(), (address, loaded)
        assert page.handlers == [], address
    for file in shipped.glob("static/*"):
        if file.name == "search-index.js":
            continue
        # Names of formats (SVG, Office Open XML) look like addresses and are none.
        outside = set(
            re.findall(r"https?://(?!www\.w3\.org/|schemas\.openxmlformats\.org/)[^\s\"'`]+", file.read_text())
        )
        assert outside == set() and "@import" not in file.read_text(), file.name


def test_pages_are_small_and_ids_are_unique(pages, shipped):
    for address, page in pages.items():
        assert (shipped / address).stat().st_size < MOST, address
        assert len(page.ids) == len(set(page.ids)), address
    shared = sum(file.stat().st_size for file in shipped.glob("static/*") if file.name != "search-index.js")
    assert shared < 80_000


def test_every_page_can_be_read_by_machines_and_people(pages, shipped):
    for address in pages:
        text = (shipped / address).read_text(encoding="utf-8")
        assert '<html lang="en">' in text and len(re.findall("<h1[ >]", text)) == 1, address
        assert '<a class="skip" href="#main">' in text and '<main id="main"' in text, address
        levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), (address, levels)


def test_the_audit_stays_and_is_linked(pages, shipped):
    assert (shipped / "audit" / "index.html").read_text() == "the audit"
    assert "audit/index.html" in pages["checks.html"].links


# ---- figures are those of the database -------------------------------------------------------------------------------


def test_figures_on_items_pages_are_those_of_the_database(pages, shipped, ask):
    stands = {
        row[0]: row[1:]
        for row in ask(
            "SELECT estimate_id, item, wave, category, percent, percent_low, percent_high, n FROM estimates"
            " WHERE subgroup = 'total'"
        )
    }
    seen = set()
    for address, page in pages.items():
        if not address.startswith("items/"):
            continue
        data = page.data
        for row in data["estimates"]:
            item_, wave, category, *numbers = stands[row[12]]
            assert (data["item"], data["waves"][row[0]][1], data["categories"][row[1]][0]) == (item_, wave, category)
            for shown, stored in zip(row[3:7], numbers, strict=True):
                assert (shown is None) == (stored is None) and abs((shown or 0) - (stored or 0)) < 1e-4
            seen.add(row[12])
    assert seen == set(stands)


def loaded(path: Path) -> dict:
    """The data of a file with figures of one banner."""
    text = path.read_text(encoding="utf-8")
    head, _, data = text.partition("]=")
    assert head.startswith("(window.itemFigures??={})[")
    return json.loads(data.removesuffix(";\n"))


def test_subgroups_come_in_files_of_their_own(pages, shipped, ask):
    of_groups = ask("SELECT item, subgroup, count(*) FROM estimates WHERE subgroup <> 'total' GROUP BY ALL")
    assert of_groups
    for name, banner, count in of_groups:
        groups = loaded(shipped / addresses.figures(name, banner))
        assert len(groups["estimates"]) == count
        page = pages[addresses.item(name)].data
        assert page["more"][banner] == addresses.figures(name, banner).split("/")[1]
        assert page["groups"] == groups["groups"]
        assert [row[0] for row in page["categories"]] == [row[0] for row in groups["categories"]]


def test_changes_and_their_verdicts_are_those_of_the_database(pages, ask):
    stands = {
        row[:4]: row[4:]
        for row in ask(
            "SELECT category, wave_from, wave_to, pair, change, p_adjusted, verdict, comparability, reasons"
            " FROM changes WHERE item = 'belarus-army-role' AND subgroup = 'total'"
        )
    }
    data = pages[ARMY].data
    shown = {
        (data["categories"][row[2]][0], data["waves"][row[0]][1], data["waves"][row[1]][1], row[12]): row
        for row in data["changes"]
    }
    assert set(shown) == set(stands)
    for key, (change, p, verdict, comparability, reasons) in stands.items():
        row = shown[key]
        assert row[4] == (None if change is None else pytest.approx(change, abs=1e-4))
        assert row[7] == (None if p is None else pytest.approx(p, abs=1e-6))
        assert (row[9], row[10], [data["texts"][at] for at in row[11]]) == (verdict, comparability, reasons)


def test_the_page_of_an_item_answers_the_newspaper(pages):
    page = pages[ARMY]
    for words_of in (
        "What should Belarus do in the context of the war between Russia and Ukraine?",
        "5 to 14 Mar 2022",  # which wave
        "896",  # how many people
        "What should Belarus do after the start of military action between Russia and Ukraine",  # what was asked
        "They look the same and are not",
        "According to a poll by Chatham House only three percent",
        "20 Jan to 9 Feb 2022, n = 755: In favour of Belarus' participation 13 %",  # before the war
        "May 2022, n = 1000: In favour 8 %",  # another house, by telephone
        "No figure of this item was revised",
    ):
        assert words_of in page.text, words_of
    assert page.data["chosen"] == "join_russia"  # the answer that people quote
    assert "chatham-house--belarus--08" in page.ids


def test_reasons_of_breaks_stand_in_words_on_the_page(pages, ask):
    broken = ask(
        "SELECT DISTINCT item, unnest(reasons) AS reason FROM changes"
        " WHERE subgroup = 'total' AND comparability IN ('break', 'not_comparable')"
    )
    assert broken
    for name, reason in broken:
        if not reason.startswith("not tested:"):
            told = " ".join(reason.split())
            assert told[1:] in pages[addresses.item(name)].text, (name, reason)


def test_the_wave_names_the_eleven_items_and_the_gaps(pages, ask):
    ((undisclosed, n),) = ask(
        "SELECT undisclosed, n FROM waves WHERE (organisation, series, wave) = ('chatham-house', 'belarus', '08')"
    )
    page = pages["waves/chatham-house/belarus/08.html"]
    assert f"Method: {11 - len(undisclosed)} of 11 disclosure items stated" in page.text
    for number, (name, title) in enumerate(words.DISCLOSURE.items(), start=1):
        assert (
            f"{number}. {title} not stated" in page.text if name in undisclosed else f"{number}. {title}" in page.text
        )
    assert f"n = {n}; stated margin ±3.3 points" in page.text
    assert "People were not selected by chance" in page.text


def test_every_disclosure_item_of_the_manifests_has_words():
    from schemas.manifest import Release

    source = {name for name in Release.model_fields["method"].annotation.model_fields} | {"dates", "sample_size"}
    assert set(words.DISCLOSURE) == source


def test_every_flag_and_verdict_of_the_database_has_words(ask):
    flags = {flag for (flag,) in ask("SELECT DISTINCT unnest(flags) FROM estimates")}
    assert flags <= set(words.FLAGS)
    assert {word for (word,) in ask("SELECT DISTINCT verdict FROM changes")} <= set(words.VERDICTS)
    assert {word for (word,) in ask("SELECT DISTINCT comparability FROM changes")} <= set(words.COMPARABILITY)
    assert {word for (word,) in ask("SELECT DISTINCT verdict FROM claims")} <= set(words.CLAIM_VERDICTS)
    assert {word for (word,) in ask("SELECT DISTINCT cause FROM revisions")} <= set(words.CAUSES)


def test_revisions_conflicts_and_claims_are_all_there(pages, ask):
    for (subject,) in ask("SELECT DISTINCT subject FROM conflicts"):
        assert " ".join(subject.split()) in pages["conflicts.html"].text
    for (statement,) in ask("SELECT statement FROM claims"):
        assert " ".join(statement.split()) in pages["claims.html"].text
    assert (
        pages["revisions.html"].text.count("the producer published another value")
        == ask("SELECT count(*) FROM revisions WHERE cause = 'producer'")[0][0]
    )


def test_the_dictionary_has_every_table_and_column(pages, ask):
    text = pages["dictionary.html"].text
    for table, column in ask("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"):
        assert table in pages["dictionary.html"].ids and column in text


def test_the_index_of_the_search_has_titles_wordings_and_houses(shipped, ask):
    text = (shipped / "static" / "search-index.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("window.searchIndex=").removesuffix(";\n"))
    found = {entry[2]: entry for entry in index}
    assert {address for kind, _, address, *_ in index if kind == "item"} == {
        addresses.item(name) for (name,) in ask("SELECT DISTINCT item FROM estimates")
    }
    army = found[ARMY]
    assert "three percent" in army[5] and "Chatham House (Belarus Initiative)" in army[3]
    assert "What should Belarus do in the context of the war" in army[4]
    assert all((shipped / address).is_file() for address in found)


def test_every_concept_of_the_catalogue_has_a_name_and_no_name_is_left_over(ask, pages):
    named = dict(ask("SELECT concept, name FROM concepts"))
    assert {concept for (concept,) in ask("SELECT concept FROM items")} == set(named)
    assert "War in Ukraine, as seen in Belarus" in pages[ARMY].text
    for concept in ask("SELECT DISTINCT concept FROM items WHERE item IN (SELECT item FROM estimates)"):
        assert named[concept[0]] in pages["index.html"].text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("concepts: [", "concepts.yml"),
        ("concepts:\n  - {concept: a, name: A}\n  - {concept: a, name: B}\n", "the concept 'a' stands twice"),
        ("concepts:\n  - {concept: invented attitude}\n", "name"),
        ("concepts:\n  - {concept: a, name: '=1+1'}\n", "a label that a spreadsheet would run as a formula"),
    ],
)
def test_names_of_concepts_that_cannot_be_read_are_told_and_stop_nothing(text, told, tmp_path):
    layout = factory.small_house(tmp_path, 1)
    factory.write(layout.catalogue / "concepts.yml", text)
    done = refresh(layout, audit=no_audit)
    assert done.published is not None
    with duckdb.connect(str(layout.link.resolve()), read_only=True) as con:
        found = con.execute("SELECT file, message FROM quarantine").fetchall()
    assert [file for file, _ in found] == ["concepts.yml"] and told in found[0][1]
    assert "Invented attitude" in Page((layout.site / "items" / "invented.html").read_text()).text  # its id as words


# ---- words and rounding ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "-"), (0.0001, "*"), (0.49, "*"), (0.5, "1"), (12.5, "13"), (13.5, "14"), (99.96, "100"), (None, "")],
)
def test_shares_are_printed_as_tables_of_the_field_do(value, shown):
    assert words.whole(value) == shown


def test_what_is_no_plain_number_is_printed_as_what_it_is():
    row = {"flags": [], "percent": None, "published_text": "2-4", "qualifier": "range"}
    assert words.figure(row) == "2-4"
    assert words.figure({**row, "percent": 20.0, "qualifier": "about"}) == "about 20"
    assert words.figure({**row, "percent": 20.0, "flags": ["suppressed"]}) == words.HIDDEN


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        ("2022-03-05", "2022-03-14", "5 to 14 Mar 2022"),
        ("2022-06-29", "2022-07-05", "29 Jun to 5 Jul 2022"),
        ("2022-12-29", "2023-01-05", "29 Dec 2022 to 5 Jan 2023"),
        ("2022-03-01", "2022-03-31", "Mar 2022"),
        ("2022-03-01", "2022-04-30", "Mar 2022 to Apr 2022"),
        ("1977-01-01", "1977-12-31", "1977"),
        ("2022-03-05", "2022-03-05", "5 Mar 2022"),
    ],
)
def test_fieldwork_is_told_in_few_words(start, end, shown):
    assert words.days(dt.date.fromisoformat(start), dt.date.fromisoformat(end)) == shown


def test_a_changed_wording_is_marked_word_by_word():
    assert item.changed("Do you trust the president?", "Do you fully trust the president?") == [
        (False, "Do you"),
        (True, " fully"),
        (False, " trust the president?"),
    ]
    assert item.changed(None, "First") == [(False, "First")]


def test_names_cannot_leave_their_folder():
    assert addresses.item("../../etc/passwd") == "items/_.._etc_passwd.html"
    assert addresses.wave("..", "a/b", ".hidden") == "waves/_/a_b/hidden.html"


# ---- hostile text ----------------------------------------------------------------------------------------------------


def test_hostile_texts_are_shown_and_never_run(small, tmp_path):
    """Texts go into the database as they are, whatever the contracts of the files would have said of them."""
    database = opened_copy(small, tmp_path)
    with duckdb.connect(str(database)) as con:
        for table, column in (
            ("items", "title"), ("items", "wording"), ("items", "note"), ("categories", "label"),
            ("questions", "wording"), ("questions", "reason"), ("organisations", "name"), ("series", "name"),
            ("waves", "title"), ("waves", "population"), ("estimates", "published_text"), ("toplines", "option"),
        ):  # fmt: skip
            con.execute(f"UPDATE {table} SET {column} = ?", [HOSTILE])
        con.execute("UPDATE items SET keywords = [?], apart_from = [?]", [HOSTILE, f"invented: {HOSTILE}"])
        con.execute("UPDATE changes SET reasons = [?], comparability = 'break'", [HOSTILE])
        con.execute("UPDATE releases SET source_url = 'javascript:alert(1)'")
        con.execute("UPDATE organisations SET url = 'javascript:alert(1)'")
    site = tmp_path / "pages"
    build.build(database, site)
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "<script>alert" not in text, path
        page = Page(text)
        assert not any(link.startswith("javascript") for link in page.links), path
        assert all(script.strip().startswith(("{", "")) for script in page.scripts)
    page = Page((site / "items" / "invented.html").read_text(encoding="utf-8"))
    assert page.data["title"] == HOSTILE and " ".join(HOSTILE.split()) in page.text
    index = (site / "static" / "search-index.js").read_text(encoding="utf-8")
    assert "</script>" not in index and json.loads(index.split("=", 1)[1].rstrip(";\n"))


# ---- writing ---------------------------------------------------------------------------------------------------------


def state(site: Path) -> dict[str, int]:
    return {path.relative_to(site).as_posix(): path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()}


def test_a_page_is_written_only_if_it_changed(tmp_path):
    layout = small_site(tmp_path)
    before = state(layout.site)
    again = build.build(layout.link, layout.site)
    assert (again.written, again.removed, again.unchanged) == ([], [], len(before) - 1)  # and the state itself
    assert state(layout.site) == before

    factory.release(layout.catalogue, "04", percents=(45, 45, 10), month=4)
    refresh(layout, audit=no_audit)
    after = state(layout.site)
    changed = {address for address, written in after.items() if before.get(address) != written}
    assert "waves/acme/monthly/04.html" in changed and "items/invented.html" in changed
    assert "waves/acme/monthly/03.html" in changed  # it links the next one
    assert not changed & {"waves/acme/monthly/01.html", "waves/acme/monthly/02.html", "static/item.js", "methods.html"}


def test_the_site_knows_of_which_version_it_is(small):
    about = read_about(small.link.resolve())
    assert build.stands(about, small.site)
    assert not build.stands(about | {"refresh": "2"}, small.site)
    assert not build.stands(about, small.site / "nowhere")


def test_a_page_that_somebody_spoiled_is_mended(small):
    page = small.site / "items" / "invented.html"
    good = page.read_bytes()
    page.write_text("spoiled")
    assert build.build(small.link, small.site).written == ["items/invented.html"]
    assert page.read_bytes() == good


def test_stale_pages_go_and_foreign_files_stay(tmp_path):
    layout = small_site(tmp_path)
    stale = factory.write(layout.site / "waves" / "gone" / "series" / "01.html", "old")
    kept = factory.write(layout.site / "audit" / "index.html", "audit")
    exported = factory.write(layout.site / "exports" / "all.csv", "a,b")
    done = build.build(layout.link, layout.site)
    assert done.removed == ["waves/gone/series/01.html"]
    assert not stale.exists() and not stale.parents[1].exists()
    assert kept.read_text() == "audit" and exported.exists()

    shutil.rmtree(layout.catalogue / "releases" / "acme" / "monthly" / "03")
    refresh(layout, audit=no_audit)
    assert not (layout.site / "waves" / "acme" / "monthly" / "03.html").exists()
    assert (layout.site / "waves" / "acme" / "monthly" / "02.html").exists()


def test_a_site_that_fails_undoes_nothing(tmp_path, monkeypatch):
    def broken(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(build, "build", broken)
    said: list[str] = []
    layout = factory.small_house(tmp_path)
    done = refresh(layout, audit=no_audit, say=said.append)
    assert done.published is not None and layout.link.exists()
    assert said[-1] == (
        "the site could not be written, its pages are of an earlier version (OSError: No space left on device)"
    )
    assert not (layout.site / "index.html").exists()
    assert refreshing.why_build(layout, refreshing.Ledger(layout.ledger)) is None


def test_a_house_without_figures_has_a_site_too(small, tmp_path):
    database = opened_copy(small, tmp_path)
    with duckdb.connect(str(database)) as con:
        for table in (
            "estimates", "trends", "changes", "trend_tests", "readings", "change_readings", "composition", "waves",
            "questions", "releases", "series",
        ):  # fmt: skip
            con.execute(f"DELETE FROM {table}")
    site = tmp_path / "pages"
    build.build(database, site)
    page = Page((site / "items" / "invented.html").read_text())
    assert "There are no figures for this item yet." in page.text
    assert "0 questions in 0 survey waves of 0 organisations" in Page((site / "index.html").read_text()).text


def test_figures_of_subgroups_alone_are_offered(small, tmp_path):
    database = opened_copy(small, tmp_path)
    with duckdb.connect(str(database)) as con:
        for table in ("estimates", "trends", "changes", "trend_tests", "readings", "change_readings"):
            con.execute(f"UPDATE {table} SET subgroup = 'sex', subgroup_value = 'women'")
    site = tmp_path / "pages"
    build.build(database, site)
    page = Page((site / "items" / "invented.html").read_text())
    assert page.data["groups"] == [["sex", "women"]] and page.data["estimates"] == []
    assert "Only figures of subgroups are published" in page.text
    assert len(loaded(site / "items" / "invented.figures.sex.js")["estimates"]) == 9


def test_a_series_is_overdue_by_its_own_rhythm(small, tmp_path):
    database = opened_copy(small, tmp_path)
    told = "last wave ended 10 Mar 2024; every 30 days (as declared), so expected by 24 Apr 2024"
    for day, late in (("2024-04-24", False), ("2024-04-25", True), ("2025-03-11", False)):
        with duckdb.connect(str(database)) as con:
            con.execute("UPDATE series SET rhythm_days = 30")
            con.execute("UPDATE about SET value = ? WHERE key = 'refreshed_at'", [f"{day}T04:15:00Z"])
        build.build(database, tmp_path / "pages")
        assert (told in Page((tmp_path / "pages" / "index.html").read_text()).text) is late


def test_the_build_does_not_hold_figures_of_other_items(published):
    house = build.Published(published)
    try:
        stream = house.by_item()
        names = sorted(house.items)
        assert [len(stream.take("estimates", name)) for name in names] == [
            house._con.execute("SELECT count(*) FROM estimates WHERE item = ?", [name]).fetchone()[0] for name in names
        ]
        assert overview.refreshed(house)
    finally:
        house.close()


# ---- the command -----------------------------------------------------------------------------------------------------


def test_the_command_builds_and_says_so(tmp_path, monkeypatch):
    layout = small_site(tmp_path)
    (layout.site / "index.html").unlink()
    monkeypatch.setenv("WEATHERVANE_DATA", str(layout.data))
    monkeypatch.setenv("COLUMNS", "160")
    done = CliRunner().invoke(app, ["site", "--build"])
    assert done.exit_code == 0, done.output
    assert "1 written" in done.output and str(layout.site / "index.html") in done.output
    assert (layout.site / "index.html").is_file()


def test_the_server_gives_pages_and_nothing_else(small):
    factory.write(small.data / "secret.txt", "secret")
    with command.serve(small.site, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            with urllib.request.urlopen(f"{root}/", timeout=10) as answer:
                assert "Did opinion change?" in html.unescape(answer.read().decode())
                assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            for address in ("/items/", "/../secret.txt", "/%2e%2e/secret.txt"):
                with pytest.raises(urllib.error.HTTPError, match="404"):
                    urllib.request.urlopen(root + address, timeout=10)
        finally:
            server.shutdown()
    assert server.server_address[0] == "127.0.0.1"

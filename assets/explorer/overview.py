"""The pages that look at the whole: home, organisations, claims, revisions, conflicts, checks, the dictionary.

Belongs here: what their templates need, and the index of the search. Does not belong here: HTML.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from assets.digest.text import by_kind, heading
from assets.explorer import addresses, words
from assets.explorer.reading import Published, Row
from schemas.tables import TABLES

# Columns of claims that the page has a place for; any other is shown by its name. Checks of claims bring some of them.
_PLACED = (
    "claim", "said_by", "published", "url", "statement", "item", "category", "value", "other_value", "comparison",
    "organisation", "population", "verdict", "note", "sentence", "verdict_today", "sentence_today", "checked_for",
    "estimate_ids", "estimate_ids_today", "findings_today",
)  # fmt: skip
MOST_LISTED = 1000  # questions on the front page; with more it leads from subjects to the search
MOST_CLAIMS = 6  # on the front page
MOST_WAVES = 400  # of a series on the page of its organisation
_CHECKED = ("verdict_today",)


def home(house: Published) -> dict[str, Any]:
    """What the front page shows."""
    return {
        "counts": {
            "items": len(house.dates),
            "waves": len(house.waves),
            "organisations": len({key[0] for key in house.waves}),
        },
        "moved": _moved(house),
        "revisions": house.revisions[:5],
        "overdue": overdue(house),
        **_claims(house),
        "quarantined": sorted({row["release"] for row in house.quarantine}),
        "awaiting": sorted({row["release"] for row in house.awaiting}),
        "concepts": _concepts(house),
        "listed": len(house.dates) <= MOST_LISTED,
        "refreshed": refreshed(house),
    }


def _claims(house: Published) -> dict[str, Any]:
    """The claims of the seven days before the refresh; without any, the latest ones, said to be so."""
    now = refreshed(house)
    age = {row["claim"]: (now.date() - row["checked_for"]).days for row in house.claims if now and row["checked_for"]}
    week = [row for row in house.claims if 0 <= age.get(row["claim"], -1) < 7]
    return {"claims": (week or house.claims)[:MOST_CLAIMS], "of_the_week": bool(week)}


def refreshed(house: Published) -> dt.datetime | None:
    """When the database was last refreshed."""
    return refreshed_at(house.about)


def refreshed_at(about: Mapping[str, str]) -> dt.datetime | None:
    """The same, of the table `about`."""
    text = about.get("refreshed_at", "")
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        return None


def overdue(house: Published) -> list[dict[str, Any]]:
    """Series whose next wave is late by their own rhythm, on the day of the last refresh; the latest first."""
    keyed = (((row["organisation"], row["series"]), row) for row in house.overdue)
    return [row | {"key": key, "name": house.names(*key)[1]} for key, row in keyed]


def _pages_of_releases(house: Published) -> dict[str, str]:
    return {row["release"]: addresses.wave(row["organisation"], row["series"], row["wave"]) for row in house.releases}


def conflicts(house: Published) -> list[dict[str, Any]]:
    """Conflicts with the page of their wave."""
    waves = _pages_of_releases(house)
    return [row | {"href": waves.get(row["release"])} for row in house.conflicts]


def _moved(house: Published) -> list[dict[str, Any]]:
    """The digest by kind, each under its heading; what has a page here leads to it."""
    waves = _pages_of_releases(house)
    claims = {row["claim"] for row in house.claims}

    def page(row: Row) -> str | None:
        if row["kind"] == "claim":
            return addresses.claim(row["subject"]) if row["subject"] in claims else None
        if row["item"] in house.dates:
            return addresses.item(row["item"])
        if row["release"] in waves:
            return waves[row["release"]]
        series = (row["organisation"], row["series"])
        return addresses.series(*series) if row["kind"] == "overdue" and series in house.series else None

    return [
        {"kind": kind, "heading": heading(kind, len(rows)), "rows": [row | {"href": page(row)} for row in rows]}
        for kind, rows in by_kind(house.digest).items()
    ]


def _concepts(house: Published) -> list[tuple[str, list[Row]]]:
    """Items by concept, with how often they were asked."""
    concepts: dict[str, list[Row]] = defaultdict(list)
    for name, row in house.items.items():
        if name in house.dates:
            concepts[row["concept"]].append(row | {"dates": house.dates[name]})
    return sorted((house.concept(concept), rows) for concept, rows in concepts.items())


def search(house: Published) -> list[list[Any]]:
    """The index of the search: kind, title, address, note, and further words to be found by."""
    found: list[list[Any]] = []
    asked: dict[str, dict[str, None]] = defaultdict(dict)
    houses: dict[str, dict[str, None]] = defaultdict(dict)
    for row in house.questions:
        asked[row["item"]][row["wording"]] = None
        houses[row["item"]][house.name(row["organisation"])] = None
    for name, row in house.items.items():
        if name not in house.dates:
            continue
        first, last, waves, _ = house.dates[name]
        span = "" if first is None else f"{first.year}" if first.year == last.year else f"{first.year}–{last.year}"
        note = ", ".join(filter(None, (f"{waves} wave{'s' if waves != 1 else ''}", span, "; ".join(houses[name]))))
        wordings = [row["wording"], *(text for text in asked[name] if text != row["wording"])]
        keywords = " ".join([name, row["concept"], house.concept(row["concept"]), *row["keywords"]])
        found.append(["item", row["title"], addresses.item(name), note, wordings, keywords])
    for name, row in house.organisations.items():
        own = [series["name"] for key, series in house.series.items() if key[0] == name]
        keywords = " ".join([name, *row["other_names"]])
        found.append(["organisation", row["name"], addresses.organisation(name), "; ".join(own[:4]), [], keywords])
    for (organisation, series, wave), row in house.waves.items():
        title = f"{house.name(organisation)}, wave {wave}"
        note = words.days(row["fieldwork_start"], row["fieldwork_end"])
        found.append(
            ["wave", title, addresses.wave(organisation, series, wave), note, [], f"{series} {row['title'] or ''}"]
        )
    return found


def organisations(house: Published) -> list[dict[str, Any]]:
    """Organisations with the number of their series and waves."""
    waves = Counter(key[0] for key in house.waves)
    series = Counter(key[0] for key in house.series)
    return [row | {"waves": waves[name], "series": series[name]} for name, row in house.organisations.items()]


def organisation(house: Published, name: str) -> dict[str, Any]:
    """An organisation with its series and their waves on a timeline."""
    own = []
    late = {row["key"]: row for row in overdue(house)}
    for key, row in house.series.items():
        if key[0] != name:
            continue
        waves = house.waves_of[key]
        own.append({"series": row, "waves": waves, "late": late.get(key), "line": _timeline(waves[-MOST_WAVES:])})
    return {"house": house.organisations[name], "series": own, "most": MOST_WAVES}


def _timeline(waves: Iterable[Row]) -> dict[str, Any] | None:
    """Waves as marks between 0 and 1000, with the years below; None where fewer than two are dated."""
    dated = [wave for wave in waves if wave["fieldwork_start"] and wave["fieldwork_end"]]
    if len(dated) < 2:
        return None
    first, last = min(w["fieldwork_start"] for w in dated), max(w["fieldwork_end"] for w in dated)
    start, end = dt.date(first.year, 1, 1), dt.date(last.year + 1, 1, 1)

    def at(when: dt.date) -> float:
        return round((when - start).days / (end - start).days * 1000, 1)

    step = max(1, -(-(end.year - start.year) // 8))
    return {
        "marks": [
            {
                "wave": w,
                "from": at(w["fieldwork_start"]),
                "width": max(4.0, at(w["fieldwork_end"]) - at(w["fieldwork_start"])),
            }
            for w in dated
        ],
        "years": [(year, at(dt.date(year, 1, 1))) for year in range(start.year, end.year, step)],
    }


def claim(house: Published, row: Row) -> dict[str, Any]:
    """A claim with the figures that it may mean, and columns that the page has no place for as they stand."""
    item = house.items.get(row["item"])
    labels = {category["category"]: category["label"] for category in house.categories[row["item"]]}
    candidates: dict[str, list[Row]] = defaultdict(list)
    for one in house.candidates[row["claim"]]:
        candidates[one["view"]].append(one)
    return (
        dict.fromkeys(_CHECKED)
        | row
        | {
            "further": {k: v for k, v in row.items() if k not in _PLACED and v not in (None, [], "", "exact")},
            "said": _said(row.get("sentence")),
            "said_today": _said(row.get("sentence_today")),
            "candidates": sorted(candidates.items()),
            "title": item["title"] if item else row["item"],
            "label": labels.get(row["category"], row["category"]),
            "known": item is not None,
        }
    )


def _said(sentence: str | None) -> tuple[str, str] | None:
    """A verdict in words, and the sources that stand at its end."""
    if not sentence:
        return None
    text, _, sources = sentence.partition(" Source")
    return text, f"Source{sources}" if sources else ""


def dictionary(house: Published) -> dict[str, Any]:
    """Every table of the database with its columns, as declared; views and macros with their comments."""
    views = house.ask("SELECT view_name, comment FROM duckdb_views() WHERE NOT internal ORDER BY ALL")
    columns: dict[str, list[str]] = defaultdict(list)
    for view, column in house.ask("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"):
        columns[view].append(column)
    macros = house.ask(
        "SELECT function_name, parameters, comment FROM duckdb_functions()"
        " WHERE NOT internal AND function_type = 'table_macro' ORDER BY ALL"
    )
    return {
        "views": [{"name": name, "text": text or "", "columns": columns[name]} for name, text in views],
        "macros": [{"name": name, "text": text or "", "parameters": given} for name, given, text in macros],
        "tables": [
            {
                "table": table,
                "columns": [
                    {
                        "name": name,
                        "type": table.sql_type(name),
                        "null": "may be NULL" if column.nullable else "never NULL",
                        "text": table.describe(name),
                        "key": name in table.key,
                    }
                    for name, column in table.columns.items()
                ],
            }
            for table in TABLES
        ],
    }

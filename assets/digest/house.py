"""What moved in the house: releases set aside and mended, series that became overdue, files that came or are awaited.

Belongs here: those comparisons and their sentences. Does not belong here: figures (assets.digest.figures).
"""

from assets.digest.query import Comparison, Row, count
from assets.words import day

SHOWN = 3  # names of files; the table `awaiting` has them all


def _parts(release: str) -> Row:
    """Organisation and series of a release; of a file of the catalogue neither."""
    parts = release.split("/")
    if len(parts) != 3 or "." in parts[2]:
        return {"release": None, "organisation": None, "series": None}
    return {"release": release, "organisation": parts[0], "series": parts[1]}


def _quarantined(row: Row) -> Row:
    more = "" if row["problems"] == 1 else f" (the first of {row['problems']} problems)"
    stays = "nothing of it is published" if row["published_load"] is None else f"load {row['published_load']} stays"
    again = row["before"] is not None
    return {
        "kind": "quarantined",
        **_parts(row["release"]),
        "subject": row["release"],
        "what": f"{'set aside for another reason' if again else 'set aside'}; {stays}",
        "why": row["message"] + more,
        "before": row["before"],
        "after": row["cause"],
    }


_FIRST_PROBLEM = """
    SELECT release, count(*) AS problems, arg_min(cause, position) AS cause, arg_min(message, position) AS message
    FROM {table} GROUP BY release
    """
_NEEDS = ("quarantine.release", "quarantine.position", "quarantine.cause", "quarantine.message")

_QUARANTINED = Comparison(
    "releases set aside",
    _NEEDS,
    f"""
    SELECT q.*, p.cause AS before,
        (SELECT max(a.published_load) FROM quarantine AS a WHERE a.release = q.release) AS published_load
    FROM ({_FIRST_PROBLEM.format(table="quarantine")}) AS q
    LEFT JOIN ({_FIRST_PROBLEM.format(table="previous.quarantine")}) AS p USING (release)
    WHERE p.message IS DISTINCT FROM q.message
    ORDER BY q.release
    """,
    _quarantined,
)


def _mended(row: Row) -> Row:
    return {
        "kind": "mended",
        **_parts(row["release"]),
        "subject": row["release"],
        "what": "no longer set aside" + (": it loads" if row["loads"] else ""),
        "why": f"it was set aside: {row['message']}",
        "before": row["cause"],
        "link": row["source_url"],
    }


_MENDED = Comparison(
    "releases mended",
    _NEEDS,
    f"""
    SELECT p.*, r.release IS NOT NULL AS loads, r.source_url
    FROM ({_FIRST_PROBLEM.format(table="previous.quarantine")}) AS p
    ANTI JOIN quarantine AS q USING (release)
    LEFT JOIN releases AS r USING (release)
    ORDER BY p.release
    """,
    _mended,
)


def overdue(row: Row) -> Row:
    """The row of a series that is overdue."""
    return {
        "kind": "overdue",
        "organisation": row["organisation"],
        "series": row["series"],
        "wave": row["last_wave"],
        "subject": f"{row['organisation']}/{row['series']}",
        "what": f"overdue: its last wave, {row['last_wave']}, ended {day(row['last_fieldwork_end'])};"
        f" the next was expected by {day(row['expected_by'])}",
        "why": f"a wave every {count(row['rhythm_days'], 'day')}, {row['rhythm_basis']}, and half of that as grace",
        "before": day(row["last_fieldwork_end"]),
        "after": day(row["expected_by"]),
        "link": row["url"],
    }


DAY = "(SELECT max(value) FROM {of}.about WHERE key = 'refreshed_at')::TIMESTAMP::DATE"
OVERDUE = """
    SELECT o.*, s.url FROM {source} AS o LEFT JOIN series AS s USING (organisation, series)
    {without} ORDER BY o.organisation, o.series
    """
# On the days of the two refreshes, not of the clock: a rebuild must tell the same.
_OVERDUE = Comparison(
    "overdue series",
    ("about.key", "about.value", "waves.organisation", "waves.series", "waves.wave"),
    f"""
    WITH known AS (
        SELECT o.organisation, o.series FROM overdue_on({DAY.format(of="previous")}) AS o
        SEMI JOIN previous.waves AS w
            ON w.organisation = o.organisation AND w.series = o.series AND w.wave = o.last_wave
    )
    {
        OVERDUE.format(
            source=f"overdue_on({DAY.format(of='main')})", without="ANTI JOIN known USING (organisation, series)"
        )
    }
    """,
    overdue,
)


def _files(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _awaiting(row: Row) -> Row:
    return {
        "kind": "awaiting",
        **_parts(row["release"]),
        "subject": row["release"],
        "what": f"awaits {_files(row['files'])}",
        "why": "a declared file of answers is not at hand (no error)",
        "link": row["obtain"],
    }


def _arrived(row: Row) -> Row:
    return {
        "kind": "arrived",
        **_parts(row["release"]),
        "subject": row["release"],
        "what": f"its file came: {_files(row['files'])}; {count(row['estimates'], 'estimate')}",
        "why": "the awaited file is at hand",
        "link": row["source_url"],
    }


_AWAITED = "SELECT release, list(file ORDER BY file) AS files, max(obtain) AS obtain FROM {table} GROUP BY release"
_AWAITING = Comparison(
    "files awaited",
    ("awaiting.release", "awaiting.file"),
    f"""
    SELECT a.* FROM ({_AWAITED.format(table="(FROM awaiting ANTI JOIN previous.awaiting USING (release, file))")}) AS a
    ORDER BY a.release
    """,
    _awaiting,
)
_ARRIVED = Comparison(
    "files that came",
    ("awaiting.release", "awaiting.file", "awaiting.obtain"),
    f"""
    SELECT a.*, r.source_url, (SELECT count(*) FROM estimates AS e WHERE e.release = a.release) AS estimates
    FROM ({_AWAITED.format(table="(FROM previous.awaiting ANTI JOIN awaiting USING (release, file))")}) AS a
    JOIN releases AS r USING (release)
    ORDER BY a.release
    """,
    _arrived,
)

COMPARISONS = (_QUARANTINED, _MENDED, _OVERDUE, _ARRIVED, _AWAITING)

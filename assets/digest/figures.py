"""What moved in the figures: new waves, loads, releases that went, revisions, changes that are new or gone, claims.

Belongs here: those comparisons and their sentences. Does not belong here: the state of the house (assets.digest.house).
"""

from typing import Any

from assets.digest.query import CELL, Comparison, Row, cell, chance, count, number, pick, points, same, share
from assets.words import COMPARABILITY, days, said

_WAVE = ("organisation", "series", "wave")
_LINE = ("organisation", "series", "item", "category", "subgroup", "subgroup_value")
CAUSES = {
    "new": "it was loaded for the first time",
    "data": "a file with figures or answers changed",
    "weights": "the weighting or the design changed",
    "crosswalk": "the crosswalk changed: questions, categories or items",
    "correction": "a correction in the manifest changed",
    "metadata": "the manifest changed",
    "code": "the code that loads changed",
    "producer": "the producer published another value",
}


def _needs(table: str, *columns: str) -> tuple[str, ...]:
    return tuple(f"{table}.{column}" for column in columns)


def _wave(row: Row) -> Row:
    size = f"n = {row['n']:,}" if row["n"] else "n unknown"
    figures = (
        f"{count(row['estimates'], 'estimate')} of {count(row['items'], 'item')}" if row["estimates"] else "no figures"
    )
    return {
        "kind": "wave",
        **pick(row, *_WAVE, "release"),
        "subject": "/".join(row[name] for name in _WAVE),
        "what": f"new wave: {days(row['fieldwork_start'], row['fieldwork_end'])}, {size}, {figures}",
        "why": f"loaded from {row['sources']}",
        "link": row["source_url"],
    }


_WAVES = Comparison(
    "waves",
    _needs("waves", *_WAVE),
    """
    SELECT w.organisation, w.series, w.wave, w.n, w.fieldwork_start, w.fieldwork_end, r.release, r.sources,
        r.source_url, coalesce(e.estimates, 0) AS estimates, coalesce(e.items, 0) AS items
    FROM waves AS w ANTI JOIN previous.waves AS p USING (organisation, series, wave)
    LEFT JOIN (
        SELECT organisation, series, wave, max(release) AS release, max(source_url) AS source_url,
            string_agg(release, ' and ' ORDER BY release) AS sources
        FROM releases GROUP BY ALL
    ) AS r USING (organisation, series, wave)
    LEFT JOIN (
        SELECT organisation, series, wave, count(*) AS estimates, count(DISTINCT item) AS items
        FROM estimates GROUP BY ALL
    ) AS e USING (organisation, series, wave)
    ORDER BY w.organisation, w.series, w.fieldwork_start NULLS LAST, w.wave
    """,
    _wave,
)


def _load(row: Row) -> Row:
    counted = (
        (row["revised"], "value revised", "values revised"),
        (row["added"], "estimate new", "estimates new"),
        (row["gone"], "estimate gone", "estimates gone"),
        (row["intervals"], "interval moved", "intervals moved"),
    )
    told = ", ".join(count(*one) for one in counted if one[0]) or "no figure moved"
    further = row["load_before"] is None
    return {
        "kind": "load",
        **pick(row, *_WAVE, "release"),
        "subject": row["release"],
        "what": ("a further release of a known wave: " if further else f"load {row['load_vintage']}: ") + told,
        "why": CAUSES[row["cause"]],
        "before": None if further else f"load {row['load_before']}",
        "after": f"load {row['load_vintage']}",
        "link": row["source_url"],
    }


# A cell counts for the release from which its value now comes, one that is gone for the one from which it came.
_LOADS = Comparison(
    "releases",
    (
        *_needs("releases", "release", "load_vintage"),
        *_needs("waves", *_WAVE),
        *_needs("estimates", *CELL, "release", "percent", "percent_low", "percent_high"),
        *_needs("revisions", *CELL, "release", "estimate_id", "load_vintage"),
    ),
    f"""
    WITH touched AS (
        SELECT r.release, r.organisation, r.series, r.wave, r.load_vintage, r.cause, r.source_url,
            p.load_vintage AS load_before
        FROM releases AS r LEFT JOIN previous.releases AS p USING (release)
        SEMI JOIN previous.waves AS w
            ON w.organisation = r.organisation AND w.series = r.series AND w.wave = r.wave
        WHERE p.release IS NULL OR p.load_vintage <> r.load_vintage
    ), cells AS (
        SELECT coalesce(e.release, p.release) AS release, p.release IS NULL AS added, e.release IS NULL AS gone,
            e.percent IS NOT DISTINCT FROM p.percent
                AND (e.percent_low IS DISTINCT FROM p.percent_low OR e.percent_high IS DISTINCT FROM p.percent_high)
                AS interval
        FROM (FROM estimates SEMI JOIN touched USING (organisation, series, wave)) AS e
        FULL JOIN (FROM previous.estimates SEMI JOIN touched USING (organisation, series, wave)) AS p
            ON {" AND ".join(f"e.{name} = p.{name}" for name in CELL)}
    ), counted AS (
        SELECT release, count(*) FILTER (added) AS added, count(*) FILTER (gone) AS gone,
            count(*) FILTER (interval AND NOT added AND NOT gone) AS intervals
        FROM cells GROUP BY release
    ), moved AS (
        SELECT n.release, count(*) AS revised
        FROM revisions AS n ANTI JOIN previous.revisions AS p
            ON {same("n", "p", (*CELL, "release", "estimate_id", "load_vintage"))}
        GROUP BY n.release
    )
    SELECT t.*, coalesce(m.revised, 0) AS revised, coalesce(c.added, 0) AS added, coalesce(c.gone, 0) AS gone,
        coalesce(c.intervals, 0) AS intervals
    FROM touched AS t LEFT JOIN counted AS c USING (release) LEFT JOIN moved AS m USING (release)
    ORDER BY t.release
    """,
    _load,
)


def _withdrawn(row: Row) -> Row:
    return {
        "kind": "withdrawn",
        **pick(row, *_WAVE, "release"),
        "subject": row["release"],
        "what": f"withdrawn with {count(row['estimates'], 'estimate')}"
        + ("" if row["wave_stays"] else "; the wave is gone"),
        "why": "its folder is gone from the catalogue",
        "before": f"load {row['load_vintage']}",
        "link": row["source_url"],
    }


_WITHDRAWN = Comparison(
    "withdrawn releases",
    (*_needs("releases", "release", *_WAVE, "load_vintage", "source_url"), *_needs("estimates", "release")),
    """
    SELECT p.release, p.organisation, p.series, p.wave, p.load_vintage, p.source_url,
        (SELECT count(*) FROM previous.estimates AS e WHERE e.release = p.release) AS estimates,
        EXISTS (FROM waves AS w WHERE (w.organisation, w.series, w.wave) = (p.organisation, p.series, p.wave))
            AS wave_stays
    FROM previous.releases AS p ANTI JOIN releases AS r USING (release)
    ORDER BY p.release
    """,
    _withdrawn,
)


def _revision(row: Row) -> Row:
    before, after = share(row["percent_before"]), share(row["percent_after"])
    moved = "" if row["difference"] is None else f" ({points(row['difference'])})"
    if before == after:  # it moved by less than is shown
        before, after = (f"{row[name]:.6g} %" for name in ("percent_before", "percent_after"))
    return {
        "kind": "revision",
        **pick(row, *CELL, "release", "percent_before", "percent_after"),
        "subject": cell(row),
        "what": f"wave {row['wave']}: {before} became {after}{moved}",
        "why": CAUSES[row["cause"]],
        "before": before,
        "after": after,
        "link": row["source_url"],
    }


_REVISION_KEY = (*CELL, "release", "estimate_id", "load_vintage", "percent_before", "percent_after", "cause")
_REVISIONS = Comparison(
    "revisions",
    _needs("revisions", *_REVISION_KEY),
    f"""
    SELECT n.*, v.source_url
    FROM revisions AS n
    ANTI JOIN previous.revisions AS p ON {same("n", "p", _REVISION_KEY)}
    LEFT JOIN (SELECT DISTINCT release, estimate_id, load_vintage, source_url FROM vintages) AS v
        ON (v.release, v.estimate_id, v.load_vintage) = (n.release, n.estimate_id, n.load_vintage)
    ORDER BY n.subgroup <> 'total', {", ".join(f"n.{name}" for name in (*CELL, "load_vintage", "estimate_id"))}
    """,
    _revision,
)


def _change(row: Row) -> Row:
    return {
        **_of_change(row),
        "what": f"{said({'rise': 'rose', 'fall': 'fell'}, row['verdict'])} from {share(row['percent_from'])} to"
        f" {share(row['percent_to'])} between waves {row['wave_from']} and {row['wave_to']}: {points(row['change'])}"
        f" (95 % interval {number(row['change_low'])} to {number(row['change_high'])})",
        "why": f"{chance(row['p_adjusted'])} after adjustment in its family; "
        + said(COMPARABILITY, row["comparability"])
        + "".join(f"; {reason}" for reason in row["reasons"]),
    }


def _lost_change(row: Row) -> Row:
    adjusted = "" if row["p_adjusted"] is None else f"{chance(row['p_adjusted'])} after adjustment in its family; "
    return {
        **_of_change(row),
        "what": f"from wave {row['wave_from']} to {row['wave_to']}: a {row['verdict_before']} is no longer detectable",
        "why": adjusted + said(COMPARABILITY, row["comparability"]) + "".join(f"; {one}" for one in row["reasons"]),
    }


def _of_change(row: Row) -> Row:
    return {
        "kind": "change",
        **pick(row, *_LINE),
        "wave": row["wave_to"],
        "release": row["release"],
        "subject": cell(row),
        "before": row["verdict_before"],
        "after": row["verdict"],
        "percent_before": row["percent_from"],
        "percent_after": row["percent_to"],
        "link": row["source_url"],
    }


_FOUND = "('rise', 'fall')"
_SOURCE = f"""
    LEFT JOIN estimates AS e ON {" AND ".join(f"e.{name} = c.{name}" for name in _LINE)} AND e.wave = c.wave_to
    """
_CHANGE_NEEDS = _needs("changes", *_LINE, "pair", "wave_from", "wave_to", "verdict")
# Everyone before subgroups, one wave to the next before long stretches, the newest wave first.
_OF_LINE = ", ".join(f"c.{name}" for name in _LINE)
_IN_ORDER = f"""
    ORDER BY c.subgroup <> 'total', c.pair <> 'consecutive', e.fieldwork_end DESC NULLS LAST, {_OF_LINE},
        c.wave_from, c.wave_to, c.pair
    """

# Of the first and last wave, and against a baseline, the later end moves with every wave: what was found before with
# the same beginning and direction is no news. Two pairs of the same waves are told once.
_CHANGES = Comparison(
    "changes",
    _CHANGE_NEEDS,
    f"""
    SELECT c.*, NULL AS verdict_before, e.release, e.source_url
    FROM changes AS c
    ANTI JOIN previous.changes AS p
        ON {" AND ".join(f"p.{name} = c.{name}" for name in (*_LINE, "pair", "wave_from", "verdict"))}
        AND (c.pair <> 'consecutive' OR p.wave_to = c.wave_to)
    {_SOURCE}
    WHERE c.verdict IN {_FOUND}
    QUALIFY row_number() OVER (
        PARTITION BY {_OF_LINE}, c.wave_from, c.wave_to
        ORDER BY c.pair <> 'consecutive', c.pair
    ) = 1
    {_IN_ORDER}
    """,
    _change,
)
_LOST_CHANGES = Comparison(
    "changes that are no longer detectable",
    _CHANGE_NEEDS,
    f"""
    SELECT c.*, p.verdict AS verdict_before, e.release, e.source_url
    FROM changes AS c
    JOIN previous.changes AS p
        ON {" AND ".join(f"p.{name} = c.{name}" for name in (*_LINE, "pair", "wave_from", "wave_to"))}
    {_SOURCE}
    WHERE p.verdict IN {_FOUND} AND c.verdict NOT IN {_FOUND}
    {_IN_ORDER}
    """,
    _lost_change,
)


def _claim(row: Row) -> Row:
    then, now = _verdicts(row, ""), _verdicts(row, "_today")
    if row["after"] is None:
        what, why = "the claim is gone from the catalogue", None
    elif row["before"] is None:
        what, why = f"new claim of {row['said_by']}, {row['published']}: {now[1]}", row["sentence_today"]
    else:
        moved = [
            f"{label}: {before}, now {after}"
            for label, (before, after) in (("at its date", then), ("read today", now))
            if before != after
        ]
        what = "; ".join(moved)
        why = row["sentence_today"] if now[0] != now[1] else row["sentence"]
    return {
        "kind": "claim",
        **pick(row, "organisation", "item", "category", "before", "after"),
        "subject": row["claim"],
        "what": what,
        "why": why,
        "link": row["url"],
    }


def _verdicts(row: Row, ending: str) -> tuple[Any, Any]:
    return tuple(said({}, row[f"verdict{ending}{when}"]) for when in ("_before", "_after"))  # type: ignore[return-value]


# `before` and `after` are the verdicts of today; what was known at a claim's date changes seldom and is told in words.
_CLAIMS = Comparison(
    "claims",
    _needs("claims", "claim", "verdict", "verdict_today", "organisation", "item", "category", "url"),
    """
    SELECT coalesce(c.claim, p.claim) AS claim, coalesce(c.item, p.item) AS item,
        coalesce(c.category, p.category) AS category, coalesce(c.organisation, p.organisation) AS organisation,
        coalesce(c.url, p.url) AS url, c.said_by, c.published, c.sentence, c.sentence_today,
        p.verdict AS verdict_before, c.verdict AS verdict_after,
        p.verdict_today AS verdict_today_before, c.verdict_today AS verdict_today_after,
        p.verdict_today AS before, c.verdict_today AS after
    FROM claims AS c FULL JOIN previous.claims AS p ON p.claim = c.claim
    WHERE p.verdict IS DISTINCT FROM c.verdict OR p.verdict_today IS DISTINCT FROM c.verdict_today
    ORDER BY p.claim IS NULL, c.claim IS NULL, coalesce(c.claim, p.claim)
    """,
    _claim,
)

COMPARISONS = (_WAVES, _LOADS, _WITHDRAWN, _REVISIONS, _CHANGES, _LOST_CHANGES, _CLAIMS)

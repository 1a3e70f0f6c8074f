"""Published figures beside what the respondents' answers give.

Belongs here: which estimate a published figure is about, and whether the one rounds to the other. Does not belong here:
making estimates (assets.estimates), judging a release by the result (schemas.expectations).

Compared are the figures of `published.csv` and the exact percentages of `toplines`, with what any release of the same
wave made of respondents' answers. A figure agrees if the unrounded result is within half a unit of its last printed
digit; a wider tolerance somebody has declared, with the reason.
"""

import pyarrow

from assets.releases.shelf import Shelf
from schemas.tables.figures import AGREEMENT, TOPLINES
from warehouse.connect import memory

_SLACK = 1e-9  # a share of exactly 0.5 more may come out as 0.5000000000000001

_SQL = f"""
WITH figures AS (
    SELECT * FROM published
    UNION ALL BY NAME
    -- Only what can be compared: percentages of whose wave there are answers.
    SELECT release, organisation, series, wave, cell, item, category, subgroup, subgroup_value,
        'percent' AS statistic, percent_text AS published_text, percent AS published_value,
        0.5 * power(10, -length(CASE WHEN contains(percent_text, '.') THEN split_part(percent_text, '.', 2)
                                     ELSE '' END)) AS rounding,
        NULL::DOUBLE AS tolerance, source_url AS source, note
    FROM toplines
    WHERE standing IN ('figure', 'repeat') AND qualifier = 'exact' AND percent IS NOT NULL
        AND (organisation, series, wave) IN (SELECT (organisation, series, wave) FROM answered)
), by_cell AS (
    SELECT * FROM estimates WHERE basis = 'microdata'
), by_item AS (  -- every category of a question has the same base
    SELECT organisation, series, wave, item, subgroup, subgroup_value, max(n) AS n, max(weighted_n) AS weighted_n
    FROM by_cell GROUP BY ALL
), whole AS (
    SELECT organisation, series, wave, max(n) AS n, max(weighted_n) AS weighted_n FROM weights GROUP BY ALL
), means AS (
    SELECT * FROM scores WHERE basis = 'microdata' AND statistic IN ('mean', 'index')
), found AS (
    SELECT f.*, CASE f.statistic
            WHEN 'percent' THEN c.percent
            WHEN 'percent_low' THEN c.percent_low
            WHEN 'percent_high' THEN c.percent_high
            WHEN 'n' THEN CASE WHEN f.item IS NULL THEN w.n ELSE coalesce(c.n, i.n) END
            WHEN 'weighted_n' THEN CASE WHEN f.item IS NULL THEN w.weighted_n
                                        ELSE coalesce(c.weighted_n, i.weighted_n) END
            WHEN 'mean' THEN m.value
        END AS recomputed
    FROM figures f
    LEFT JOIN by_cell c USING (organisation, series, wave, item, category, subgroup, subgroup_value)
    LEFT JOIN by_item i USING (organisation, series, wave, item, subgroup, subgroup_value)
    LEFT JOIN means m USING (organisation, series, wave, item, subgroup, subgroup_value)
    LEFT JOIN whole w USING (organisation, series, wave)
)
SELECT *, recomputed - published_value AS difference,
    CASE WHEN recomputed IS NULL THEN
             CASE WHEN release IN (SELECT release FROM awaiting) THEN 'awaits_file' ELSE 'not_computed' END
         WHEN abs(recomputed - published_value) <= rounding + {_SLACK} THEN 'agrees'
         WHEN abs(recomputed - published_value) <= tolerance + {_SLACK} THEN 'within_tolerance'
         ELSE 'differs' END AS verdict
FROM found
"""


def compare(shelf: Shelf, estimates: pyarrow.Table) -> pyarrow.Table:
    """The table `agreement`.

    Args:
        shelf: the live releases.
        estimates: the table `estimates`.
    """
    names = [field for field in AGREEMENT.arrow() if field.name not in ("recomputed", "difference", "verdict")]
    given = {
        "published": shelf.rows("published", pyarrow.schema(names)),
        "scores": shelf.rows("scores"),
        "weights": shelf.rows("weights"),
        "estimates": estimates,
        "awaiting": pyarrow.table({"release": pyarrow.array(sorted(shelf.awaited()), pyarrow.string())}),
    }
    if not given["published"].num_rows and not given["weights"].num_rows:
        return AGREEMENT.arrow().empty_table()
    weights = given["weights"].select(["organisation", "series", "wave"])
    given |= {"answered": weights, "toplines": shelf.rows("toplines", TOPLINES.arrow())}
    con = memory()
    try:
        for name, table in given.items():
            con.register(name, table)
        columns = ", ".join(AGREEMENT.columns)
        rows = con.sql(f"SELECT {columns} FROM ({_SQL}) ORDER BY release, cell")
        return rows.to_arrow_table().cast(AGREEMENT.arrow())
    finally:
        con.close()

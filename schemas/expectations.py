"""What must be true of the assembled database, across its tables, before anybody may read it.

Belongs here: the statements as data: a query, a Great Expectations class with its arguments, what a failure
means and what to do about it. Does not belong here: running them (assets.publication.audit); what pandera
guards row by row when a release is ingested (types, words, ranges, low <= percent <= high; see schemas.tables).

Most queries return offenders, keys first, and expect none: DuckDB does the work and the message can name the
keys. Queries see the candidate's tables by name and the published version as `previous.<table>`.
"""

from dataclasses import dataclass, field
from typing import Any

from schemas.tables import TABLES
from schemas.vocabulary import ClaimVerdict, Severity, words

NONE: dict[str, Any] = {"value": 0}
CELL = ("organisation", "series", "wave", "item", "category", "subgroup", "subgroup_value")
LINE = ("organisation", "series", "item", "category", "subgroup", "subgroup_value")

# Keeping less than this share of what the last version had is an accident until a person says otherwise.
KEPT = 0.9
# Published polls often hide the base. A reader is told when that is so of most figures, as in the first catalogue.
UNKNOWN_BASES = 0.5
UNKNOWN_BASES_MOVED = 0.1
# Points by which one house's figures may move on average in cells that both versions have.
MEAN_MOVED = 2.0
# Rounded percentages of up to a dozen options may add up to a little more than a hundred.
SUM_OF_SHARES = 103.0


@dataclass(frozen=True)
class Expectation:
    """One statement about the database.

    Attributes:
        name: a sentence as a slug, unique.
        query: SQL whose result is the batch. Its first columns identify a row.
        kind: a class of `great_expectations.expectations`.
        says: what it means, for people.
        mend: what to do when it fails.
        arguments: of that class.
        severity: an `error` keeps the version from being published, a `warning` is shown.
    """

    name: str
    query: str
    kind: str
    says: str
    mend: str
    arguments: dict[str, Any] = field(default_factory=dict)
    severity: Severity = "error"

    @property
    def needs_previous(self) -> bool:
        """Whether it compares with the version that is published now."""
        return "previous." in self.query


def _none(name: str, query: str, says: str, mend: str, severity: Severity = "error") -> Expectation:
    """An expectation whose query returns offenders."""
    return Expectation(name, query, "ExpectTableRowCountToEqual", says, mend, NONE, severity)


def _same(left: str, right: str, columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{left}.{name} = {right}.{name}" for name in columns)


def _of(alias: str, columns: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{name}" for name in columns)


def _missing_from(parent: str, columns: tuple[str, ...], children: tuple[str, ...]) -> str:
    """Which keys in `children` have no row in `parent`, with the number of rows that hang in the air."""
    keys = ", ".join(columns)
    return " UNION ALL ".join(
        f"SELECT {_of('child', columns)}, '{child}' AS named_in, count(*) AS rows FROM {child} AS child"
        f" ANTI JOIN {parent} AS parent USING ({keys}) GROUP BY ALL"
        for child in children
    )


def _kept(table: str, columns: tuple[str, ...], shown: str) -> str:
    """How many of the last version's keys remain; and where most of the lost ones were."""
    keys = ", ".join(columns)
    return f"""
        WITH before AS (SELECT DISTINCT {keys} FROM previous.{table}),
             lost AS (FROM before ANTI JOIN {table} USING ({keys})),
             places AS (SELECT {shown} AS place, count(*) AS number FROM lost GROUP BY ALL
                        ORDER BY number DESC, place LIMIT 5)
        SELECT coalesce(1 - (SELECT count(*) FROM lost) / nullif((SELECT count(*) FROM before), 0), 1)::DOUBLE
                   AS share_kept,
               (SELECT count(*) FROM before) AS before,
               (SELECT count(*) FROM lost) AS lost,
               (SELECT string_agg(place || ' (' || number || ')', '; ' ORDER BY number DESC, place)
                FROM places) AS most_lost_in
        """


def _remain(what: str, table: str, columns: tuple[str, ...], shown: str) -> Expectation:
    return Expectation(
        f"{what}-of-the-last-version-remain",
        _kept(table, columns, shown),
        "ExpectColumnMinToBeBetween",
        f"At least {KEPT:.0%} of the {what} that are published now are in the new version too.",
        "Look whether files of the catalogue are missing, or whether an id was renamed. If so much was withdrawn "
        "on purpose, publish once with this expectation accepted by name.",
        {"column": "share_kept", "min_value": KEPT},
    )


def _unique(table: str, key: tuple[str, ...]) -> Expectation:
    keys = ", ".join(key)
    return _none(
        f"keys-are-unique-in-{table.replace('_', '-')}",
        f"SELECT {keys}, count(*) AS rows FROM {table} GROUP BY {keys} HAVING count(*) > 1",
        f"No two rows of {table} have the same {', '.join(key)}.",
        "Two sources or two loads claim one row: see which releases it comes from; mend the query or the crosswalk.",
    )


def _undeclared() -> str:
    pairs = ", ".join(f"('{table.name}', '{name}')" for table in TABLES for name in table.columns)
    return f"""
        SELECT table_name, column_name FROM duckdb_columns()
        SEMI JOIN duckdb_tables() USING (database_name, schema_name, table_name)
        ANTI JOIN (VALUES {pairs}) AS declared(table_name, column_name) USING (table_name, column_name)
        WHERE database_name = current_database()
        """


_UNTESTED = "NOT IN ('comparable', 'with_note')"
_BADNESS = "['comparable', 'with_note', 'break', 'not_comparable', 'unreviewed']"

_SIZE = (
    Expectation(
        "there-are-estimates",
        "SELECT count(*)::DOUBLE AS estimates FROM estimates",
        "ExpectColumnMinToBeBetween",
        "The table of estimates is not empty.",
        "See the quarantine: when every release is set aside, nothing is left to publish.",
        {"column": "estimates", "min_value": 1},
    ),
    _remain("estimates", "estimates", CELL, "organisation || '/' || series || '/' || wave"),
    _remain("waves", "waves", ("organisation", "series", "wave"), "organisation || '/' || series || '/' || wave"),
    _remain("items", "items", ("item",), "item"),
    _none(
        "only-declared-columns-are-published",
        _undeclared(),
        "The database holds what is declared and nothing else, so no respondent can slip into it.",
        "Declare the table or column in schemas/tables, or keep it out of the published file.",
    ),
    _none(
        "every-table-and-column-has-a-comment",
        """
        SELECT table_name, NULL AS column_name FROM duckdb_tables()
        WHERE database_name = current_database() AND coalesce(comment, '') = ''
        UNION ALL
        SELECT table_name, column_name FROM duckdb_columns()
        SEMI JOIN duckdb_tables() USING (database_name, schema_name, table_name)
        WHERE database_name = current_database() AND coalesce(comment, '') = ''
        """,
        "Whoever opens the database finds the meaning of every table and column in it.",
        "Run Table.comments() after Table.ddl() when the database is built.",
        "warning",
    ),
)

_REFERENCES = (
    _none(
        "every-wave-exists",
        _missing_from("waves", ("organisation", "series", "wave"), ("estimates", "releases", "questions", "trends")),
        "Every wave that a figure, a release or a question names has its row in waves.",
        "See why the wave's manifest did not reach the waves table.",
    ),
    _none(
        "every-release-exists",
        _missing_from("releases", ("release",), ("estimates", "toplines", "questions")),
        "Every figure and question comes from a release that is listed in releases.",
        "A release was withdrawn or quarantined, but its figures stayed: rebuild from the ledger.",
    ),
    _none(
        "every-question-exists",
        _missing_from("questions", ("release", "question"), ("estimates",)),
        "Every estimate belongs to a question whose wording and review can be read.",
        "Add the question to the release's questions.csv.",
    ),
    _none(
        "every-item-exists",
        _missing_from("items", ("item",), ("estimates", "questions", "categories", "trends")),
        "Every item that a figure, a question or a category names is described in items.",
        "Write catalog/items/<item>.yml, or mend the id in questions.csv.",
    ),
    _none(
        "every-category-exists",
        _missing_from("categories", ("item", "category"), ("estimates", "trends")),
        "Every figure belongs to a declared category of its item.",
        "Add the category to the item, or mend the id in categories.csv.",
    ),
    _none(
        "every-estimate-has-an-address",
        f"SELECT {_of('e', CELL)}, source_url FROM estimates AS e"
        " WHERE NOT regexp_matches(source_url, '^https?://[^\\s/]+')",
        "Every estimate leads to the page on which it can be looked up.",
        "Give the figure a source_url in toplines.csv, or the release one in release.yml.",
    ),
)

_FIGURES = (
    _none(
        "published-estimates-trace-to-a-printed-figure",
        f"""
        SELECT {_of("e", CELL)}, e.release, e.question FROM estimates AS e
        WHERE e.basis = 'published' AND NOT EXISTS (
            FROM toplines AS t
            WHERE t.release = e.release AND t.question = e.question AND t.item = e.item
              AND t.subgroup = e.subgroup AND t.subgroup_value = e.subgroup_value
              AND (t.category = e.category
                   OR EXISTS (FROM categories AS c
                              WHERE c.item = e.item AND c.category = e.category AND c.kind = 'net')))
        """,
        "Each estimate made of published figures has a figure of its release, question and category behind it.",
        "An estimate without a figure was made up by a join: see how assets.estimates reads these rows.",
    ),
    _none(
        "no-figure-was-lost",
        """
        SELECT r.release, any_value(r.figures) AS figures_read, count(DISTINCT t.cell) AS figures_here
        FROM releases AS r LEFT JOIN toplines AS t USING (release)
        GROUP BY r.release HAVING count(DISTINCT t.cell) <> any_value(r.figures)
        """,
        "toplines holds as many figures of each release as were read from its files.",
        "Rebuild. If it fails again, a figure is dropped or doubled between the lake and the database.",
    ),
    _none(
        "no-interval-without-a-known-base",
        f"""
        SELECT {_of("e", CELL)}, n, qualifier, percent_low, percent_high FROM estimates AS e
        WHERE (n IS NULL OR qualifier <> 'exact')
          AND (percent_low IS NOT NULL OR percent_high IS NOT NULL OR standard_error IS NOT NULL)
        """,
        "Where the number of people is unknown, or the figure is not exact, no precision is claimed.",
        "The interval was computed from nothing: leave it empty and flag why.",
    ),
    _none(
        "intervals-have-width",
        f"""
        SELECT {_of("e", CELL)}, percent_low, percent_high FROM estimates AS e
        WHERE (percent_low IS NULL) <> (percent_high IS NULL) OR percent_low >= percent_high
        """,
        "An interval has two ends and the upper one lies higher, also for shares of 0 and 100 percent.",
        "Use an interval that does not collapse at the edges (Wilson), or none.",
    ),
    _none(
        "single-answers-add-up",
        f"""
        SELECT e.release, e.question, e.subgroup, e.subgroup_value, round(sum(e.percent), 2) AS percent_in_all
        FROM (SELECT DISTINCT * EXCLUDE flags FROM estimates) AS e
        SEMI JOIN (FROM questions WHERE answer = 'single') AS q
          ON q.release = e.release AND q.question = e.question
        ANTI JOIN (FROM categories WHERE kind = 'net') AS c ON c.item = e.item AND c.category = e.category
        WHERE e.qualifier = 'exact'
        GROUP BY ALL HAVING sum(e.percent) > {SUM_OF_SHARES}
        """,
        f"The shares of a question with one answer add up to no more than {SUM_OF_SHARES:g} percent.",
        "Look for a net that is filed as an answer, a question with several answers, or a figure read twice.",
        "warning",
    ),
    _none(
        "subgroups-have-a-total",
        f"""
        SELECT DISTINCT {_of("e", CELL[:5])} FROM estimates AS e
        WHERE subgroup <> 'total' AND NOT EXISTS (
            FROM estimates AS t WHERE {_same("t", "e", CELL[:5])}
              AND t.subgroup = 'total' AND t.subgroup_value = 'all')
        """,
        "Where men and women are told apart there is a figure for everyone too.",
        "See whether the total is missing in the source; if so, say it in the release's notes.",
        "warning",
    ),
    Expectation(
        "most-bases-are-known",
        "SELECT coalesce(avg((n IS NULL)::INTEGER), 0)::DOUBLE AS share_unknown, count(*) AS estimates,"
        " count(*) FILTER (n IS NULL) AS unknown FROM estimates",
        "ExpectColumnMaxToBeBetween",
        f"At most {UNKNOWN_BASES:.0%} of the estimates lack the number of people asked.",
        "See which releases came without bases; half-samples of unknown size are marked in questions.csv.",
        {"column": "share_unknown", "max_value": UNKNOWN_BASES},
        "warning",
    ),
)

_TRENDS = (
    _none(
        "only-reviewed-questions-are-in-trends",
        f"""
        SELECT {_of("t", CELL)}, q.release, q.question FROM trends AS t
        JOIN estimates AS e USING (estimate_id)
        JOIN questions AS q ON q.release = e.release AND q.question = e.question
        WHERE coalesce(trim(q.reviewed_by), '') = ''
        """,
        "No guess that two questions are the same becomes a trend: a person reviewed each of them.",
        "Review the question (reviewed_by in questions.csv); until then it stays out of trends.",
    ),
    _none(
        "trends-show-the-estimates",
        f"""
        SELECT {_of("t", CELL)}, t.percent AS in_trends, e.percent AS in_estimates
        FROM trends AS t LEFT JOIN estimates AS e ON {_same("t", "e", CELL)} AND t.estimate_id = e.estimate_id
        WHERE e.estimate_id IS NULL OR t.percent IS DISTINCT FROM e.percent
        """,
        "A figure in a trend is the figure in estimates, not a copy that went stale.",
        "Build trends from the estimates of the same version.",
    ),
    _none(
        "trend-positions-have-no-gaps",
        f"""
        SELECT {_of("t", LINE)}, min(position) AS first, max(position) AS last,
               count(DISTINCT position) AS positions
        FROM trends AS t GROUP BY {_of("t", LINE)}
        HAVING min(position) <> 1 OR max(position) <> count(DISTINCT position)
        """,
        "The waves of a line are numbered 1, 2, 3 and so on.",
        "A wave was filtered out after the numbering: number last.",
    ),
    _none(
        "trend-steps-start-at-the-wave-before",
        f"""
        SELECT {_of("t", LINE)}, t.wave, t.position, t.predecessor, p.wave AS wave_before
        FROM trends AS t LEFT JOIN trends AS p ON {_same("p", "t", LINE)} AND p.position = t.position - 1
        WHERE (t.predecessor IS DISTINCT FROM p.wave OR t.predecessor_percent IS DISTINCT FROM p.percent)
          AND (p.wave IS NOT NULL OR t.position = 1)
        """,
        "Each step compares with the wave just before it in the same line, and with that wave's figure.",
        "Number and link the waves of a line in one window.",
    ),
    _none(
        "nothing-is-tested-across-a-break",
        f"""
        SELECT {_of("c", LINE)}, c.wave_from, c.wave_to, coalesce(t.comparability, c.comparability) AS step,
               c.change, c.p_value, c.verdict
        FROM changes AS c LEFT JOIN trends AS t
          ON {_same("t", "c", LINE)} AND t.wave = c.wave_to AND t.predecessor = c.wave_from
        WHERE (c.comparability {_UNTESTED} OR t.comparability {_UNTESTED})
          AND (c.change IS NOT NULL OR c.p_value IS NOT NULL OR c.p_adjusted IS NOT NULL
               OR c.verdict <> 'not_tested')
        UNION ALL
        SELECT {_of("t", LINE)}, t.predecessor, t.wave, t.comparability, t.change, NULL, NULL
        FROM trends AS t WHERE t.comparability {_UNTESTED} AND t.change IS NOT NULL
        """,
        "Across a break, or without review, there is no difference, no p-value and no verdict.",
        "Gate the test by the comparability of the step, in trends and in changes.",
    ),
    _none(
        "changes-agree-with-trend-steps",
        f"""
        SELECT {_of("c", LINE)}, c.wave_from, c.wave_to, c.comparability AS in_changes,
               t.comparability AS in_trends
        FROM changes AS c LEFT JOIN trends AS t
          ON {_same("t", "c", LINE)} AND t.wave = c.wave_to AND t.predecessor = c.wave_from
        WHERE c.pair = 'consecutive'
          AND (t.comparability <> c.comparability OR (t.wave IS NULL AND NOT c.comparability {_UNTESTED}))
        UNION ALL
        SELECT {_of("c", LINE)}, c.wave_from, c.wave_to, c.comparability, c.worst
        FROM (
            SELECT c.*, (SELECT arg_max(s.comparability, list_position({_BADNESS}, s.comparability)) FROM trends AS s
                WHERE {_same("s", "c", LINE)} AND s.position > a.position AND s.position <= b.position) AS worst
            FROM changes AS c
            LEFT JOIN trends AS a ON {_same("a", "c", LINE)} AND a.wave = c.wave_from
            LEFT JOIN trends AS b ON {_same("b", "c", LINE)} AND b.wave = c.wave_to
            WHERE c.pair <> 'consecutive'
        ) AS c
        WHERE c.worst IS DISTINCT FROM c.comparability
        """,
        "trends and changes say the same about whether two waves compare.",
        "Decide comparability once, and let both tables read it.",
    ),
)

_HISTORY = (
    _none(
        "estimates-are-the-latest-vintage",
        f"""
        WITH e AS (SELECT DISTINCT {", ".join(CELL)}, estimate_id FROM estimates),
             v AS (SELECT DISTINCT {", ".join(CELL)}, estimate_id, load_vintage FROM vintages WHERE latest)
        SELECT {", ".join(CELL)}, count(v.estimate_id) AS latest_values,
               any_value(e.estimate_id) AS in_estimates, any_value(v.estimate_id) AS in_vintages
        FROM e FULL JOIN v USING ({", ".join(CELL)})
        GROUP BY {", ".join(CELL)}
        HAVING count(v.estimate_id) <> 1 OR any_value(e.estimate_id) IS DISTINCT FROM any_value(v.estimate_id)
        """,
        "Each estimate is the one value of its cell that vintages marks as the latest.",
        "Mark the latest value and fill estimates from the same query.",
    ),
    _none(
        "values-stand-forwards-in-time",
        f"""
        SELECT {_of("v", CELL)}, estimate_id, load_vintage, available_from, available_until FROM vintages AS v
        WHERE available_from > available_until
        """,
        "No value was replaced before it could be known.",
        "See the dates of publication of the figure; a year or month that is not over must not count as its last day.",
    ),
    _none(
        "one-value-stands-on-any-day",
        f"""
        WITH v AS (
            SELECT DISTINCT {", ".join(CELL)}, estimate_id, load_vintage, available_from,
                   coalesce(available_until, DATE '9999-12-31') AS until
            FROM vintages WHERE available_from < coalesce(available_until, DATE '9999-12-31')
        ), ordered AS (
            SELECT *, lead(available_from) OVER cell AS next_from, lead(estimate_id) OVER cell AS next_id
            FROM v
            WINDOW cell AS (PARTITION BY {", ".join(CELL)} ORDER BY available_from, load_vintage, estimate_id)
        )
        SELECT {", ".join(CELL)}, next_from AS day, estimate_id, next_id FROM ordered WHERE next_from < until
        """,
        "Asked what stood on a day, the database gives one value of a cell and not two.",
        "Close the earlier value on the day on which the later one begins.",
        "warning",
    ),
    _none(
        "conflicts-name-two-values",
        "SELECT release, position, subject, ours, other FROM conflicts WHERE trim(ours) = trim(other)",
        "Where sources are said to disagree they do.",
        "Two sources that agree are no conflict: compare values after reading them.",
    ),
    _none(
        "quarantine-says-why",
        "SELECT release, position, cause FROM quarantine WHERE trim(message) = ''",
        "Every release that was set aside says in a sentence what is wrong with it.",
        "Let the problem that set it aside write its own message.",
    ),
    _none(
        "quarantine-says-what-stays-published",
        """
        SELECT q.release, q.position, q.published_load, r.load_vintage FROM quarantine AS q
        LEFT JOIN releases AS r USING (release) WHERE q.published_load IS DISTINCT FROM r.load_vintage
        """,
        "A release that was set aside names the earlier load that stays published, where one does.",
        "Fill published_load from the releases of the same version.",
        "warning",
    ),
    _none(
        "baselines-are-waves",
        """
        SELECT s.organisation, s.series, s.baseline
        FROM series AS s ANTI JOIN waves AS w
          ON w.organisation = s.organisation AND w.series = s.series AND w.wave = s.baseline
        WHERE s.baseline IS NOT NULL
        """,
        "The wave that a series declares as its baseline exists.",
        "Correct `baseline` in series.yml, or add the wave; until then nothing is compared with it.",
        "warning",
    ),
    _none(
        "fieldwork-is-not-in-the-future",
        """
        SELECT organisation, series, wave, fieldwork_start, newest::DATE AS newest_load
        FROM waves, (SELECT max(loaded_at) AS newest FROM releases) WHERE fieldwork_start > newest::DATE
        """,
        "Nobody was interviewed after the newest file was loaded.",
        "See the fieldwork dates in release.yml: day and month, or the year, may be swapped.",
        "warning",
    ),
    _none(
        "macros-answer",
        """
        WITH line AS (SELECT item, category FROM trends WHERE subgroup = 'total' ORDER BY ALL LIMIT 1),
             one AS (SELECT min(estimate_id) AS id FROM estimates)
        SELECT 'trend' AS macro, item || ', ' || category AS asked FROM line
        WHERE (SELECT count(*) FROM trend((SELECT item FROM line), (SELECT category FROM line))) = 0
        UNION ALL
        SELECT 'cite', id FROM one
        WHERE id IS NOT NULL AND (SELECT count(*) FROM cite((SELECT id FROM one))) = 0
        """,
        "trend(item, category) and cite(estimate_id) run on this database and give rows.",
        "Run the macro by hand on this version; see warehouse/sql/macros.sql.",
    ),
)

# What respondents' answers must satisfy as a whole. A weight that is another one than before, or has another spread, is
# the commonest silent error of a new wave.
WEIGHT_MEAN_MOVED = 0.1
WEIGHT_EFFECT_MOVED = 1.5
WEIGHT_SHARE_MOVED = 0.05
SMALLEST_SHOWN = 30

_ANSWERS = (
    _none(
        "releases-of-answers-are-known",
        _missing_from("releases", ("release",), ("codes", "weights", "scores", "agreement")),
        "Codes, weights, scores and comparisons name releases that are published.",
        "A load wrote rows of a release that is not live: rebuild from the archive.",
    ),
    _none(
        "answers-have-their-weight",
        """
        SELECT DISTINCT e.release FROM estimates AS e ANTI JOIN weights AS w USING (release)
        WHERE e.basis = 'microdata'
        """,
        "Every release with estimates from respondents' answers says how it was weighted.",
        "Load the release again; its lake folder lacks weights.parquet.",
    ),
    _none(
        "few-respondents-are-not-shown",
        f"""
        SELECT release, item, category, subgroup, subgroup_value, n FROM estimates
        WHERE basis = 'microdata' AND n < {SMALLEST_SHOWN} AND percent IS NOT NULL
        """,
        f"No share from respondents' answers rests on fewer than {SMALLEST_SHOWN} people.",
        "See assets.estimates: the base must be suppressed there.",
    ),
    _none(
        "published-figures-are-reproduced",
        """
        SELECT release, cell, item, category, subgroup, subgroup_value, statistic, published_text, recomputed
        FROM agreement WHERE verdict = 'differs'
        """,
        "What was published follows from the respondents' answers, within its rounding or a declared tolerance.",
        "weathervane verify shows each figure. See weight, base and codes of the question; or the source is wrong: "
        "then a tolerance with its reason in published.csv says so.",
        "warning",
    ),
    _none(
        "published-figures-are-found",
        """
        SELECT release, cell, item, category, subgroup, subgroup_value, statistic, published_text
        FROM agreement WHERE verdict = 'not_computed'
        """,
        "Every published figure of a wave whose answers are here has its estimate.",
        "See item, category and banner of the row, or write the crosswalk of its question.",
        "warning",
    ),
    _none(
        "weights-are-like-those-of-the-wave-before",
        f"""
        WITH ordered AS (
            SELECT v.* REPLACE (coalesce(v.variable, v.method) AS variable), w.fieldwork_start,
                lag(v.wave) OVER line AS wave_before, lag(coalesce(v.variable, v.method)) OVER line AS variable_before,
                lag(v.mean) OVER line AS mean_before, lag(v.design_effect) OVER line AS effect_before,
                lag((v.zeros + v.missing) / v.rows) OVER line AS outside_before,
                (v.zeros + v.missing) / v.rows AS outside
            FROM weights AS v JOIN waves AS w USING (organisation, series, wave)
            WINDOW line AS (PARTITION BY v.organisation, v.series ORDER BY w.fieldwork_start, v.wave)
        )
        SELECT organisation, series, wave, wave_before,
            CASE WHEN variable_before IS NULL OR variable IS NULL THEN 'weighted in one wave only'
                 WHEN abs(mean / mean_before - 1) > {WEIGHT_MEAN_MOVED} THEN 'mean'
                 WHEN greatest(design_effect / effect_before, effect_before / design_effect) > {WEIGHT_EFFECT_MOVED}
                     THEN 'spread' ELSE 'share of zeros and missing' END AS moved,
            variable_before, variable, mean_before, mean, effect_before, design_effect, outside_before, outside
        FROM ordered
        WHERE wave_before IS NOT NULL AND (
            (variable IS NULL) <> (variable_before IS NULL)
            OR abs(mean / mean_before - 1) > {WEIGHT_MEAN_MOVED}
            OR greatest(design_effect / effect_before, effect_before / design_effect) > {WEIGHT_EFFECT_MOVED}
            OR abs(outside - outside_before) > {WEIGHT_SHARE_MOVED})
        """,
        "A wave's weights have about the mean, spread and share of zeros of the wave before it.",
        "Look whether the declared weight is the right variable, and whether it was scaled to something else; a change "
        "that is real is worth a note in release.yml.",
        "warning",
    ),
)

_VERDICTS = ", ".join(f"'{verdict}'" for verdict in words(ClaimVerdict))

_CLAIMS = (
    _none(
        "claims-have-both-verdicts",
        f"""
        SELECT claim, verdict, verdict_today, value FROM claims
        WHERE coalesce(verdict, '') NOT IN ({_VERDICTS}) OR coalesce(verdict_today, '') NOT IN ({_VERDICTS})
           OR (value IS NOT NULL AND 'not_checked' IN (verdict, verdict_today))
           OR trim(coalesce(sentence, '')) = '' OR trim(coalesce(sentence_today, '')) = ''
        """,
        "Every claim was checked with what was known at its date and with what stands today, and both are in words.",
        "See assets.claims.rules: a claim to which no rule applies must still get a verdict.",
    ),
    _none(
        "claims-rest-on-figures-that-exist",
        """
        SELECT claim, column_name, id FROM (
            SELECT claim, 'estimate_ids' AS column_name, unnest(estimate_ids) AS id FROM claims
            UNION ALL
            SELECT claim, 'estimate_ids_today', unnest(estimate_ids_today) FROM claims
            UNION ALL
            SELECT claim, 'candidate ' || position || ' of ' || view, estimate_id FROM claim_candidates
            WHERE estimate_id IS NOT NULL
        ) AS named
        ANTI JOIN vintages AS v ON v.estimate_id = named.id
        """,
        "Every figure that a claim is held against can be looked up in vintages and cited.",
        "The claims were checked against other tables than those that are published: build them together.",
    ),
    _none(
        "candidates-belong-to-claims",
        _missing_from("claims", ("claim",), ("claim_candidates",)),
        "Every candidate belongs to a claim that is listed.",
        "The two tables come from different builds: build them together.",
    ),
    _none(
        "claims-are-about-known-answers",
        "SELECT claim, item, category FROM claims ANTI JOIN categories USING (item, category)",
        "Every claim is about an answer of an item that is described.",
        "Mend item and category in the claim's file, or describe the item in catalog/items.",
        "warning",
    ),
)

_READINGS = (
    _none(
        "readings-belong-to-estimates",
        f"""
        SELECT {_of("r", CELL)}, r.reading FROM readings AS r
        ANTI JOIN estimates AS e ON {_same("e", "r", CELL)} AND e.release = r.release AND e.estimate_id = r.estimate_id
        """,
        "Every reading is of an estimate that is published, and not of one that was replaced.",
        "Build readings and estimates of the same loads together (assets.trends.make).",
    ),
    _none(
        "change-readings-belong-to-tested-changes",
        f"""
        SELECT {_of("r", CELL[:2])}, {_of("r", CELL[3:])}, r.wave_from, r.wave_to, r.pair, r.reading
        FROM change_readings AS r
        ANTI JOIN (FROM changes WHERE p_value IS NOT NULL) AS c
            ON {_same("c", "r", (*CELL[:2], *CELL[3:]))} AND {_same("c", "r", ("wave_from", "wave_to", "pair"))}
        """,
        "What is tested with another reading is tested with the main one too: nothing comes in past a break.",
        "Build change_readings from the changes of the same version (assets.trends.readings).",
    ),
    _none(
        "parts-are-of-the-change",
        """
        SELECT s.organisation, s.series, s.item, s.category, s.banner, s.wave_from, s.wave_to, s.pair,
               s.change AS split, c.change
        FROM composition AS s JOIN changes AS c USING (organisation, series, item, category, wave_from, wave_to, pair)
        WHERE c.subgroup = 'total' AND s.outside_from = 0 AND s.outside_to = 0
          AND (c.change IS NULL OR abs(s.change - c.change) > 1e-6)
        """,
        "Where everybody is in a group, the change that is split is the change between the two estimates.",
        "The groups of a load are not of its estimates, or a change across a break was split: load the release again.",
    ),
)

_DRIFT = (
    Expectation(
        "unknown-bases-did-not-move",
        """
        WITH now AS (
            SELECT organisation, avg((n IS NULL)::INTEGER) AS share FROM estimates GROUP BY ALL
        ), before AS (
            SELECT organisation, avg((n IS NULL)::INTEGER) AS share FROM previous.estimates GROUP BY ALL
        )
        SELECT organisation, (now.share - before.share)::DOUBLE AS moved,
               before.share AS share_before, now.share AS share_now
        FROM now JOIN before USING (organisation)
        """,
        "ExpectColumnValuesToBeBetween",
        f"The share of estimates without a base moved by at most {UNKNOWN_BASES_MOVED:.0%} in each house.",
        "See the newest releases of the house: a column of bases may have a new name.",
        {"column": "moved", "max_value": UNKNOWN_BASES_MOVED},
        "warning",
    ),
    Expectation(
        "figures-did-not-move-together",
        f"""
        SELECT e.organisation, avg(e.percent - p.percent)::DOUBLE AS moved, count(*) AS cells,
               avg(p.percent) AS mean_before, avg(e.percent) AS mean_now
        FROM estimates AS e JOIN previous.estimates AS p ON {_same("e", "p", CELL)}
        WHERE e.percent IS NOT NULL AND p.percent IS NOT NULL GROUP BY ALL
        """,
        "ExpectColumnValuesToBeBetween",
        f"In cells of both versions, the mean figure of each house moved by at most {MEAN_MOVED:g} points.",
        "See revisions: a file was re-issued, or a crosswalk or the code shifted a whole table.",
        {"column": "moved", "min_value": -MEAN_MOVED, "max_value": MEAN_MOVED},
        "warning",
    ),
)

EXPECTATIONS: tuple[Expectation, ...] = (
    *_SIZE,
    *(_unique(table.name, table.key) for table in TABLES),
    *_REFERENCES,
    *_FIGURES,
    *_TRENDS,
    *_HISTORY,
    *_ANSWERS,
    *_CLAIMS,
    *_READINGS,
    *_DRIFT,
)
BY_NAME: dict[str, Expectation] = {expectation.name: expectation for expectation in EXPECTATIONS}

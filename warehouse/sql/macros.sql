-- Table macros: what people ask most, as one call.
--
-- Belongs here: questions that need more than one table or a rule that is easily got wrong. Does not belong here:
-- formatting for a page, anything that one SELECT on one table answers.
--
-- Inside a macro DuckDB takes a bare name for the parameter and a qualified one (t.item) for the column, in 1.0, 1.4
-- and 2.0 alike. So parameters may carry the names that people know, and every column here is qualified. No lambdas
-- and no newer syntax: clients from DuckDB 1.0 on bind these texts when they call them.

CREATE MACRO trend(item, category) AS TABLE
SELECT
    t.organisation, t.series, t.wave, t.fieldwork_start, t.fieldwork_end, t.n,
    t.percent, t.percent_low, t.percent_high, t.qualifier,
    t.change, t.comparability, t.reasons, t.segment, t.flags, t.wording, t.source_url, t.estimate_id
FROM trends AS t
WHERE t.item = item AND t.category = category AND t.subgroup = 'total'
ORDER BY t.organisation, t.series, t.position;

COMMENT ON MACRO TABLE trend IS
'trend(item, category): the line of every house and series for everyone asked, in time order. change is the difference '
'to the wave before and NULL where the step must not be joined; comparability and reasons say why. Waves with the same '
'segment may be drawn as one line. Questions that nobody reviewed are not here: see estimates.';


CREATE MACRO compare(item, wave_a, wave_b) AS TABLE
WITH asked AS (
    SELECT
        e.organisation, e.series, e.category, e.wave, e.percent, e.standard_error, e.n, e.fieldwork_start,
        coalesce(e.fieldwork_end, e.fieldwork_start) AS fieldwork_end,
        t.position, t.segment,
        CASE
            WHEN t.wave IS NOT NULL THEN NULL
            WHEN q.decision = 'exclude' THEN 'wave ' || e.wave || ' is excluded from trends: ' || coalesce(q.reason, '')
            WHEN q.reviewed_by IS NULL THEN 'not reviewed in wave ' || e.wave
            WHEN e.fieldwork_start IS NULL THEN 'wave ' || e.wave || ' has no date'
            ELSE 'wave ' || e.wave || ' is not in trends'
        END AS absent
    FROM estimates AS e
    LEFT JOIN trends AS t
        ON t.organisation = e.organisation AND t.series = e.series AND t.wave = e.wave AND t.item = e.item
        AND t.category = e.category AND t.subgroup = e.subgroup AND t.subgroup_value = e.subgroup_value
    LEFT JOIN questions AS q ON q.release = e.release AND q.question = e.question
    WHERE e.item = item AND e.wave IN (wave_a, wave_b) AND e.subgroup = 'total' AND e.subgroup_value = 'all'
),
pair AS (
    SELECT
        a.organisation, a.series, a.category,
        a.wave AS earlier, b.wave AS later,
        a.percent AS percent_a, b.percent AS percent_b, a.n AS n_a, b.n AS n_b,
        a.position AS position_a, b.position AS position_b, a.segment = b.segment AS same_segment,
        b.percent - a.percent AS difference,
        sqrt(a.standard_error * a.standard_error + b.standard_error * b.standard_error) AS error,
        concat_ws(' and ', CASE WHEN a.standard_error IS NULL OR a.percent IS NULL THEN a.wave END,
                           CASE WHEN b.standard_error IS NULL OR b.percent IS NULL THEN b.wave END) AS no_error,
        a.absent AS absent_a, b.absent AS absent_b
    FROM asked AS a
    JOIN asked AS b ON b.organisation = a.organisation AND b.series = a.series AND b.category = a.category
    -- The order of trends where both waves are in it; else its rule, with undated waves last.
    WHERE CASE
        WHEN a.position IS NOT NULL AND b.position IS NOT NULL THEN a.position < b.position
        ELSE (coalesce(a.fieldwork_start, DATE '9999-12-31'), coalesce(a.fieldwork_end, DATE '9999-12-31'), a.wave)
           < (coalesce(b.fieldwork_start, DATE '9999-12-31'), coalesce(b.fieldwork_end, DATE '9999-12-31'), b.wave)
        END
),
step AS (
    SELECT
        p.organisation, p.series, p.category, t.position, t.reasons,
        coalesce(
            list_position(['comparable', 'with_note', 'break', 'not_comparable', 'unreviewed'], t.comparability), 5
        ) AS badness
    FROM pair AS p
    JOIN trends AS t
        ON t.organisation = p.organisation AND t.series = p.series AND t.category = p.category AND t.item = item
        AND t.subgroup = 'total' AND t.subgroup_value = 'all'
        AND t.position > p.position_a AND t.position <= p.position_b
),
worst AS (
    SELECT s.organisation, s.series, s.category, max(s.badness) AS badness
    FROM step AS s
    GROUP BY s.organisation, s.series, s.category
),
spoken AS (  -- every reason once, in the order of the steps
    SELECT u.organisation, u.series, u.category, u.reason, min(u.position) AS position
    FROM (SELECT s.organisation, s.series, s.category, s.position, unnest(s.reasons) AS reason FROM step AS s) AS u
    GROUP BY u.organisation, u.series, u.category, u.reason
),
reason AS (
    SELECT s.organisation, s.series, s.category, list(s.reason ORDER BY s.position, s.reason) AS reasons
    FROM spoken AS s
    GROUP BY s.organisation, s.series, s.category
),
judged AS (
    SELECT
        p.*,
        CASE
            WHEN p.absent_a IS NOT NULL OR p.absent_b IS NOT NULL THEN 'unreviewed'
            WHEN w.badness = 5 THEN 'unreviewed'
            WHEN w.badness = 4 THEN 'not_comparable'
            WHEN w.badness = 3 OR NOT p.same_segment THEN 'break'
            WHEN w.badness = 2 THEN 'with_note'
            ELSE 'comparable'
        END AS comparability,
        list_concat(
            coalesce(r.reasons, []),
            list_concat(
                CASE WHEN p.absent_a IS NULL THEN [] ELSE [p.absent_a] END,
                CASE WHEN p.absent_b IS NULL THEN [] ELSE [p.absent_b] END
            )
        ) AS reasons
    FROM pair AS p
    LEFT JOIN worst AS w
        ON w.organisation = p.organisation AND w.series = p.series AND w.category = p.category
    LEFT JOIN reason AS r
        ON r.organisation = p.organisation AND r.series = p.series AND r.category = p.category
),
tested AS (
    SELECT
        j.*,
        j.comparability IN ('comparable', 'with_note') AS joined,
        j.comparability IN ('comparable', 'with_note') AND j.error > 0 AS testable
    FROM judged AS j
)
SELECT
    d.organisation, d.series, d.category,
    d.earlier AS wave_a, d.later AS wave_b,
    d.percent_a, d.percent_b, d.n_a, d.n_b,
    CASE WHEN d.joined THEN d.difference END AS change,
    CASE WHEN d.joined THEN d.error END AS standard_error,
    CASE WHEN d.testable THEN d.difference - 1.959963984540054 * d.error END AS change_low,
    CASE WHEN d.testable THEN d.difference + 1.959963984540054 * d.error END AS change_high,
    d.comparability,
    CASE
        WHEN d.joined AND d.no_error <> ''
            THEN list_append(d.reasons, 'not tested: no standard error in wave ' || d.no_error)
        ELSE d.reasons
    END AS reasons,
    CASE
        WHEN NOT coalesce(d.testable, false) THEN 'not_tested'
        WHEN d.difference - 1.959963984540054 * d.error > 0 THEN 'rise'
        WHEN d.difference + 1.959963984540054 * d.error < 0 THEN 'fall'
        ELSE 'no_detectable_change'
    END AS verdict
FROM tested AS d
LEFT JOIN categories AS c ON c.item = item AND c.category = d.category
ORDER BY d.organisation, d.series, c.position, d.category;

COMMENT ON MACRO TABLE compare IS
'compare(item, wave_a, wave_b): two waves of every house and series that has both, for everyone asked, category by '
'category. a is the earlier wave, whatever the order of the arguments. comparability is that of the worst step between '
'the two in trends; a wave that is not in trends makes it unreviewed. change is NULL unless it is comparable or '
'with_note. standard_error takes the samples as independent; the interval is 95 %. The verdict holds for one pair chosen '
'beforehand: who searches many pairs for a change reads changes, where p_adjusted allows for that.';


CREATE MACRO estimates_as_of(day) AS TABLE
SELECT v.* EXCLUDE (load_vintage, loaded_at, cause, available_from, available_until, latest)
FROM vintages AS v
WHERE v.available_from <= CAST(day AS DATE)
    AND (v.available_until IS NULL OR v.available_until > CAST(day AS DATE))
-- One value of a cell stands at a time; should two claim the same day, the one that came last.
QUALIFY row_number() OVER (
    PARTITION BY v.organisation, v.series, v.wave, v.item, v.category, v.subgroup, v.subgroup_value
    ORDER BY v.available_from DESC, v.load_vintage DESC, v.estimate_id
) = 1
ORDER BY v.organisation, v.series, v.wave, v.item, v.category, v.subgroup, v.subgroup_value;

COMMENT ON MACRO TABLE estimates_as_of IS
'estimates_as_of(day): every cell as it stood at the end of that day, with the columns of estimates. A value that was '
'published in a month or year counts from its last day. Values whose publication is undated do not appear on any day: '
'they are in estimates and, with available_from NULL, in vintages.';


CREATE MACRO cite(estimate_id) AS TABLE
WITH known AS (
    SELECT e.*, true AS latest, NULL::DATE AS available_until, 0 AS load_vintage
    FROM estimates AS e
    WHERE e.estimate_id = estimate_id
    UNION ALL BY NAME
    -- A figure that was quoted once stays citable after it was replaced.
    SELECT v.* EXCLUDE (loaded_at, cause, available_from)
    FROM vintages AS v
    WHERE v.estimate_id = estimate_id
),
figure AS (
    SELECT k.*
    FROM known AS k
    QUALIFY row_number() OVER (ORDER BY k.latest DESC, k.load_vintage DESC) = 1
),
printed AS (  -- the cell of the source; a replaced value only where the source still holds the same text
    SELECT t.file_sha256, t.cell
    FROM toplines AS t
    JOIN figure AS f
        ON f.release = t.release AND f.question = t.question AND f.item = t.item AND f.category = t.category
        AND f.subgroup = t.subgroup AND f.subgroup_value = t.subgroup_value
    WHERE f.latest OR t.percent_text = f.published_text
    QUALIFY row_number() OVER (
        ORDER BY t.percent_text IS NOT DISTINCT FROM f.published_text DESC, t.published = f.vintage DESC,
            t.source_url = f.source_url DESC, t.standing = 'figure' DESC, t.cell
    ) = 1
),
described AS (
    SELECT
        f.*,
        coalesce(o.name, f.organisation) AS organisation_name,
        coalesce(s.name, f.series) AS series_name,
        w.title, w.fieldwork, w.population, w.mode, w.weighting,
        q.wording, q.wording_kind,
        coalesce(c.label, f.category) AS category_label,
        p.file_sha256, p.cell,
        CASE
            WHEN f.percent IS NULL THEN coalesce(f.published_text || ' %', 'not stated')
            WHEN f.qualifier = 'about' THEN 'about '
            WHEN f.qualifier = 'more_than' THEN 'more than '
            WHEN f.qualifier = 'less_than' THEN 'less than '
            ELSE ''
        END || coalesce(regexp_replace(format('{:.1f}', f.percent), '[.]0$', '') || ' %', '') AS percent_words,
        format('{:.1f}', f.percent_low) || ' to ' || format('{:.1f}', f.percent_high) AS interval_words
    FROM figure AS f
    LEFT JOIN organisations AS o ON o.organisation = f.organisation
    LEFT JOIN series AS s ON s.organisation = f.organisation AND s.series = f.series
    LEFT JOIN waves AS w ON w.organisation = f.organisation AND w.series = f.series AND w.wave = f.wave
    LEFT JOIN questions AS q ON q.release = f.release AND q.question = f.question
    LEFT JOIN categories AS c ON c.item = f.item AND c.category = f.category
    LEFT JOIN printed AS p ON true
)
SELECT
    d.organisation_name || ', ' || d.series_name || ', wave ' || d.wave
        || '. Fieldwork: ' || coalesce(d.fieldwork, 'not stated')
        || '. Population: ' || coalesce(d.population, 'not stated')
        || '. Mode: ' || coalesce(d.mode, 'not stated')
        || coalesce('. n = ' || d.n::VARCHAR, '. n not stated')
        || CASE WHEN d.subgroup = 'total' THEN '' ELSE ' (' || d.subgroup || ': ' || d.subgroup_value || ')' END
        || CASE WHEN d.base = 'all respondents' THEN '' ELSE ', base: ' || d.base END
        || '. Question'
        || CASE WHEN coalesce(d.wording_kind, 'verbatim') = 'verbatim' THEN '' ELSE ' (' || d.wording_kind || ')' END
        || ': "' || coalesce(d.wording, 'not stated')
        || '" Answer: "' || d.category_label || '": ' || d.percent_words
        || coalesce(
            ' (95 % interval ' || d.interval_words || ', ' || coalesce(d.interval_method, 'method not stated') || ')',
            ' (no interval)'
        )
        || '. Weighting: ' || coalesce(d.weighting, 'not stated')
        || CASE WHEN len(d.flags) = 0 THEN '' ELSE '. Flags: ' || replace(array_to_string(d.flags, ', '), '_', ' ') END
        || '. Published: ' || d.vintage
        || CASE WHEN d.latest THEN '' ELSE '; replaced on ' || coalesce(d.available_until::VARCHAR, 'a later day') END
        || '. File sha256: ' || coalesce(d.file_sha256, 'not kept')
        || '. ' || d.source_url
        || '. Estimate ' || d.estimate_id || '.' AS citation,
    d.estimate_id, d.organisation, d.organisation_name, d.series, d.series_name, d.wave, d.title,
    d.fieldwork, d.fieldwork_start, d.fieldwork_end, d.population, d.mode, d.n, d.weighting,
    d.item, d.wording, d.wording_kind, d.category, d.category_label, d.subgroup, d.subgroup_value, d.base,
    d.percent, d.percent_low, d.percent_high, d.interval_method, d.qualifier, d.published_text, d.flags,
    d.vintage, CASE WHEN d.latest THEN NULL ELSE d.available_until END AS replaced_on,
    d.file_sha256, d.cell, d.release, d.source_url
FROM described AS d;

COMMENT ON MACRO TABLE cite IS
'cite(estimate_id): one row, a citation to paste and its parts as columns. Ids of replaced values work too; replaced_on '
'says since when another value stands. n and the wording are those of the question in that wave; not stated means that '
'the source does not say.';

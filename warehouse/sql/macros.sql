-- Table macros: what people ask most, as one call.
--
-- Belongs here: questions that need more than one table or a rule that is easily got wrong. Does not belong here:
-- formatting for a page, anything that one SELECT on one table answers.
--
-- Inside a macro DuckDB takes a bare name for the parameter and a qualified one (t.item) for the column, in 1.0, 1.4
-- and 2.0 alike. So parameters may carry the names that people know, and every column here is qualified. No lambdas
-- and no newer syntax: clients from DuckDB 1.0 on bind these texts when they call them.
--
-- DuckDB puts the text of an argument in the place of the parameter, so a column given as an argument, as in
-- FROM vintages AS v, cite(v.estimate_id), is captured by a table or column of the same name inside, without an error
-- and with wrong rows. So each macro uses its parameters once, outermost, over a relation whose only names start with
-- an underscore: what people get travels as one struct, _row. DuckDB moves the condition down to the tables by itself,
-- through grouping and through windows partitioned by it. A subquery (SELECT item) would be as safe, but it stops that:
-- 5 s instead of 0.1 s for one citation among a million figures.

CREATE MACRO trend(item, category) AS TABLE
SELECT unnest(_found._row)
FROM (
    SELECT
        t.item AS _item, t.category AS _category, t.organisation AS _organisation, t.series AS _series,
        t.position AS _position,
        struct_pack(
            organisation := t.organisation, series := t.series, wave := t.wave,
            fieldwork_start := t.fieldwork_start, fieldwork_end := t.fieldwork_end, n := t.n,
            percent := t.percent, percent_low := t.percent_low, percent_high := t.percent_high,
            qualifier := t.qualifier, change := t.change, comparability := t.comparability, reasons := t.reasons,
            segment := t.segment, flags := t.flags, wording := t.wording, source_url := t.source_url,
            estimate_id := t.estimate_id
        ) AS _row
    FROM trends AS t
    WHERE t.subgroup = 'total'
) AS _found
WHERE _found._item = item AND _found._category = category
ORDER BY _found._organisation, _found._series, _found._position;

COMMENT ON MACRO TABLE trend IS
'trend(item, category): the line of every house and series for everyone asked, in time order. change is the difference '
'to the wave before and NULL where the step must not be joined; comparability and reasons say why. Waves with the same '
'segment may be drawn as one line. Questions that nobody reviewed are not here: see estimates.';


CREATE MACRO compare_groups(item, wave_a, wave_b, subgroup) AS TABLE
WITH pair AS (
    SELECT
        a.item, a.organisation, a.series, a.category, a.subgroup, a.subgroup_value,
        a.wave AS earlier, b.wave AS later,
        a.percent AS percent_a, b.percent AS percent_b, a.n AS n_a, b.n AS n_b,
        a.standard_error AS error_a, b.standard_error AS error_b,
        a.n_effective AS effective_a, b.n_effective AS effective_b,
        ta.position AS position_a, tb.position AS position_b, ta.segment = tb.segment AS same_segment,
        concat_ws(' and ', CASE WHEN a.standard_error IS NULL OR a.percent IS NULL THEN a.wave END,
                           CASE WHEN b.standard_error IS NULL OR b.percent IS NULL THEN b.wave END) AS no_error,
        CASE
            WHEN ta.wave IS NOT NULL THEN NULL
            WHEN qa.decision = 'exclude' THEN 'wave ' || a.wave || ' is excluded from trends: ' || coalesce(qa.reason, '')
            WHEN qa.reviewed_by IS NULL THEN 'not reviewed in wave ' || a.wave
            WHEN a.fieldwork_start IS NULL THEN 'wave ' || a.wave || ' has no date'
            ELSE 'wave ' || a.wave || ' is not in trends'
        END AS absent_a,
        CASE
            WHEN tb.wave IS NOT NULL THEN NULL
            WHEN qb.decision = 'exclude' THEN 'wave ' || b.wave || ' is excluded from trends: ' || coalesce(qb.reason, '')
            WHEN qb.reviewed_by IS NULL THEN 'not reviewed in wave ' || b.wave
            WHEN b.fieldwork_start IS NULL THEN 'wave ' || b.wave || ' has no date'
            ELSE 'wave ' || b.wave || ' is not in trends'
        END AS absent_b
    FROM estimates AS a
    JOIN estimates AS b
        ON b.item = a.item AND b.organisation = a.organisation AND b.series = a.series AND b.category = a.category
        AND b.subgroup = a.subgroup AND b.subgroup_value = a.subgroup_value AND b.wave <> a.wave
    LEFT JOIN trends AS ta
        ON ta.item = a.item AND ta.organisation = a.organisation AND ta.series = a.series AND ta.wave = a.wave
        AND ta.category = a.category AND ta.subgroup = a.subgroup AND ta.subgroup_value = a.subgroup_value
    LEFT JOIN trends AS tb
        ON tb.item = b.item AND tb.organisation = b.organisation AND tb.series = b.series AND tb.wave = b.wave
        AND tb.category = b.category AND tb.subgroup = b.subgroup AND tb.subgroup_value = b.subgroup_value
    LEFT JOIN questions AS qa ON qa.release = a.release AND qa.question = a.question
    LEFT JOIN questions AS qb ON qb.release = b.release AND qb.question = b.question
    WHERE CASE  -- the order of trends where both waves are in it; else its rule, with undated waves last
            WHEN ta.position IS NOT NULL AND tb.position IS NOT NULL THEN ta.position < tb.position
            ELSE (coalesce(a.fieldwork_start, DATE '9999-12-31'),
                  coalesce(a.fieldwork_end, a.fieldwork_start, DATE '9999-12-31'), a.wave)
               < (coalesce(b.fieldwork_start, DATE '9999-12-31'),
                  coalesce(b.fieldwork_end, b.fieldwork_start, DATE '9999-12-31'), b.wave)
            END
),
step AS (  -- one row per reason of a step between the two, or one without a reason
    SELECT
        p.*,
        t.position,
        CASE WHEN t.position IS NULL THEN 0 ELSE coalesce(
            list_position(['comparable', 'with_note', 'break', 'not_comparable', 'unreviewed'], t.comparability), 5
        ) END AS badness,
        unnest(CASE WHEN len(t.reasons) > 0 THEN t.reasons ELSE [NULL] END) AS reason
    FROM pair AS p
    LEFT JOIN trends AS t
        ON t.item = p.item AND t.organisation = p.organisation AND t.series = p.series AND t.category = p.category
        AND t.subgroup = p.subgroup AND t.subgroup_value = p.subgroup_value
        AND t.position > p.position_a AND t.position <= p.position_b
),
spoken AS (  -- every reason once
    SELECT s.* EXCLUDE (position, badness), min(s.position) AS position, max(s.badness) AS badness
    FROM step AS s
    GROUP BY ALL
),
judged AS (
    SELECT
        s.* EXCLUDE (position, badness, reason),
        max(s.badness) AS badness,
        coalesce(list(s.reason ORDER BY s.position, s.reason) FILTER (WHERE s.reason IS NOT NULL), []) AS said
    FROM spoken AS s
    GROUP BY ALL
),
named AS (
    SELECT
        j.*,
        CASE
            WHEN j.absent_a IS NOT NULL OR j.absent_b IS NOT NULL OR j.badness = 5 THEN 'unreviewed'
            WHEN j.badness = 4 THEN 'not_comparable'
            WHEN j.badness = 3 OR NOT j.same_segment THEN 'break'
            WHEN j.badness = 2 THEN 'with_note'
            ELSE 'comparable'
        END AS comparability,
        list_concat(
            j.said,
            list_concat(
                CASE WHEN j.absent_a IS NULL THEN [] ELSE [j.absent_a] END,
                CASE WHEN j.absent_b IS NULL THEN [] ELSE [j.absent_b] END
            )
        ) AS reasons
    FROM judged AS j
),
known AS (  -- what changes has of a pair, which may be there as several kinds of pairs with the same figures
    SELECT
        g.item, g.organisation, g.series, g.category, g.subgroup, g.subgroup_value, g.wave_from, g.wave_to,
        max(g.correlation) AS correlation, max(g.detectable_change) AS detectable_change,
        min_by(g.reasons, g.pair) AS reasons
    FROM changes AS g
    GROUP BY g.item, g.organisation, g.series, g.category, g.subgroup, g.subgroup_value, g.wave_from, g.wave_to
),
paired AS (
    SELECT
        m.*,
        k.correlation, k.detectable_change AS detectable_known, k.reasons AS reasons_known,
        m.percent_b - m.percent_a AS difference,
        m.comparability IN ('comparable', 'with_note') AS joined,
        -- What is left of the variances where a correlation is 1 is rounding.
        CASE
            WHEN 2 * coalesce(k.correlation, 0) * m.error_a * m.error_b
                > (1 - 1e-9) * (m.error_a * m.error_a + m.error_b * m.error_b) THEN 0
            ELSE sqrt(m.error_a * m.error_a + m.error_b * m.error_b
                - 2 * coalesce(k.correlation, 0) * m.error_a * m.error_b)
        END AS error,
        least(m.percent_a, 100 - m.percent_a) / 100 AS share,
        7.848879734349088 AS power  -- (qnorm(0.975) + qnorm(0.8)) squared
    FROM named AS m
    LEFT JOIN known AS k
        ON k.item = m.item AND k.organisation = m.organisation AND k.series = m.series AND k.category = m.category
        AND k.subgroup = m.subgroup AND k.subgroup_value = m.subgroup_value
        AND k.wave_from = m.earlier AND k.wave_to = m.later
),
tested AS (
    SELECT
        u.*,
        u.joined AND u.error > 0 AS testable,
        CASE WHEN u.error > 0 THEN abs(u.difference) / u.error END AS z,
        -- d = z * se(p, p + d), squared, is a quadratic in d; its positive root
        (u.power * (1 - 2 * u.share) / u.effective_b + sqrt(
            power(u.power * (1 - 2 * u.share) / u.effective_b, 2)
                + 4 * (1 + u.power / u.effective_b) * u.power * u.share * (1 - u.share)
                    * (1 / u.effective_a + 1 / u.effective_b)
        )) / (2 * (1 + u.power / u.effective_b)) AS rise
    FROM paired AS u
),
answer AS (
    SELECT
        d.item AS _item, d.earlier AS _earlier, d.later AS _later, c.position AS _position,
        d.organisation, d.series, d.category, d.subgroup, d.subgroup_value,
        d.percent_a, d.percent_b, d.n_a, d.n_b,
        CASE WHEN d.joined THEN d.difference END AS change,
        CASE WHEN d.joined AND d.no_error = '' THEN d.error END AS standard_error,
        CASE WHEN d.joined THEN d.correlation END AS correlation,
        CASE WHEN d.testable THEN d.difference - 1.959963984540054 * d.error END AS change_low,
        CASE WHEN d.testable THEN d.difference + 1.959963984540054 * d.error END AS change_high,
        -- Twice the normal tail by two rational functions (Hart 1968, Computer Approximations, in West's form);
        -- eight digits hold. DuckDB has no error function.
        CASE
            WHEN NOT coalesce(d.testable, false) THEN NULL
            WHEN d.z > 37 THEN 0
            WHEN d.z < 7.07106781186547 THEN 2 * exp(-d.z * d.z / 2) * (
                ((((((0.0352624965998911 * d.z + 0.700383064443688) * d.z + 6.37396220353165) * d.z
                + 33.912866078383) * d.z + 112.079291497871) * d.z + 221.213596169931) * d.z + 220.206867912376)
            ) / (
                (((((((0.0883883476483184 * d.z + 1.75566716318264) * d.z + 16.064177579207) * d.z
                + 86.7807322029461) * d.z + 296.564248779674) * d.z + 637.333633378831) * d.z + 793.826512519948) * d.z
                + 440.413735824752)
            )
            ELSE 2 * exp(-d.z * d.z / 2) / 2.506628274631
                / (d.z + 1 / (d.z + 2 / (d.z + 3 / (d.z + 4 / (d.z + 0.65)))))
        END AS p_value,
        CASE
            WHEN NOT d.joined OR d.no_error <> '' THEN NULL
            WHEN coalesce(d.correlation, 0) <> 0 THEN d.detectable_known
            WHEN d.share + d.rise > 1 THEN 100 * sqrt(d.power * d.share * (1 - d.share) / d.effective_a)
            ELSE 100 * d.rise
        END AS detectable_change,
        d.comparability,
        CASE
            WHEN d.reasons_known IS NOT NULL THEN d.reasons_known
            WHEN d.joined AND d.no_error <> ''
                THEN list_append(d.reasons, 'not tested: no standard error in wave ' || d.no_error)
            WHEN d.joined AND d.error = 0
                THEN list_append(d.reasons, 'not tested: shares of 0 or 100 percent have no standard error')
            ELSE d.reasons
        END AS reasons,
        CASE
            WHEN NOT coalesce(d.testable, false) THEN 'not_tested'
            WHEN d.difference - 1.959963984540054 * d.error > 0 THEN 'rise'
            WHEN d.difference + 1.959963984540054 * d.error < 0 THEN 'fall'
            ELSE 'no_detectable_change'
        END AS verdict
    FROM tested AS d
    LEFT JOIN categories AS c ON c.item = d.item AND c.category = d.category
)
SELECT unnest(_found._row)
FROM (
    SELECT
        r._item, r._earlier, r._later, r._position, r.organisation AS _organisation, r.series AS _series,
        r.category AS _category, r.subgroup AS _subgroup, r.subgroup_value AS _value,
        struct_pack(
            organisation := r.organisation, series := r.series, category := r.category, subgroup := r.subgroup,
            subgroup_value := r.subgroup_value,
            wave_a := r._earlier, wave_b := r._later, percent_a := r.percent_a, percent_b := r.percent_b,
            n_a := r.n_a, n_b := r.n_b, change := r.change, standard_error := r.standard_error,
            change_low := r.change_low, change_high := r.change_high, p_value := r.p_value,
            detectable_change := r.detectable_change, correlation := r.correlation,
            comparability := r.comparability, reasons := r.reasons, verdict := r.verdict
        ) AS _row
    FROM answer AS r
) AS _found
WHERE _found._item = item AND _found._earlier IN (wave_a, wave_b) AND _found._later IN (wave_a, wave_b)
    AND _found._subgroup = subgroup
ORDER BY _found._organisation, _found._series, _found._value, _found._position, _found._category;

COMMENT ON MACRO TABLE compare_groups IS
'compare_groups(item, wave_a, wave_b, subgroup): two waves of every house and series that has both, in every column of '
'a banner, category by category; subgroup is the name of the banner, such as sex, and total is everyone asked. The '
'columns are those of compare, which is the same for everyone asked.';


CREATE MACRO compare(item, wave_a, wave_b) AS TABLE
SELECT * EXCLUDE (subgroup, subgroup_value) FROM compare_groups(item, wave_a, wave_b, 'total');

COMMENT ON MACRO TABLE compare IS
'compare(item, wave_a, wave_b): two waves of every house and series that has both, for everyone asked, category by '
'category. a is the earlier wave, whatever the order of the arguments. comparability is that of the worst step between '
'the two in trends; a wave that is not in trends makes it unreviewed. change is NULL unless it is comparable or '
'with_note. standard_error has the correlation of samples that share people or primary units where changes knows it of '
'this pair; otherwise the samples are taken as independent. The interval is 95 %, p_value is two-sided, '
'detectable_change is what four of five such pairs would find. The verdict holds for one pair chosen beforehand: who '
'searches many pairs for a change reads changes, where p_adjusted allows for that.';


CREATE MACRO estimates_as_of(day) AS TABLE
SELECT s.* EXCLUDE (load_vintage, loaded_at, cause, available_from, available_until, latest)
FROM (
    SELECT unnest(_stood._row)
    FROM (
        SELECT _found._row, _found._cell
        FROM (
            SELECT
                v.available_from AS _from, v.available_until AS _until, v.load_vintage AS _load, v.estimate_id AS _id,
                row(v.organisation, v.series, v.wave, v.item, v.category, v.subgroup, v.subgroup_value) AS _cell,
                v AS _row
            FROM vintages AS v
        ) AS _found
        WHERE _found._from <= CAST(day AS DATE) AND (_found._until IS NULL OR _found._until > CAST(day AS DATE))
        -- One value of a cell stands at a time; should two claim the same day, the one that came last.
        QUALIFY row_number() OVER (
            PARTITION BY _found._cell ORDER BY _found._from DESC, _found._load DESC, _found._id
        ) = 1
    ) AS _stood
    ORDER BY _stood._cell
) AS s;

COMMENT ON MACRO TABLE estimates_as_of IS
'estimates_as_of(day): every cell as it stood at the end of that day, with the columns of estimates. A value that was '
'published in a month or year counts from its last day. Values whose publication is undated do not appear on any day: '
'they are in estimates and, with available_from NULL, in vintages.';


CREATE MACRO cite(estimate_id) AS TABLE
WITH known AS (
    SELECT
        e.*, true AS latest, NULL::DATE AS available_until, 0 AS load_vintage, NULL::TIMESTAMP AS loaded_at,
        NULL::VARCHAR AS cause
    FROM estimates AS e
    UNION ALL BY NAME
    -- A figure that was quoted once stays citable after it was replaced.
    SELECT v.* EXCLUDE (available_from)
    FROM vintages AS v
),
figure AS (
    SELECT f.*, t.file_sha256, t.cell
    FROM known AS f
    -- The cell of the source; for a replaced value only where the source still holds the same text. What comes from
    -- respondents' answers has none, though a published figure of the same cell may stand in toplines.
    LEFT JOIN toplines AS t
        ON f.basis = 'published' AND t.release = f.release AND t.question = f.question AND t.item = f.item
        AND t.category = f.category
        AND t.subgroup = f.subgroup AND t.subgroup_value = f.subgroup_value
        AND (f.latest OR t.percent_text = f.published_text)
    QUALIFY row_number() OVER (
        PARTITION BY f.estimate_id
        ORDER BY f.latest DESC, f.load_vintage DESC, t.percent_text IS NOT DISTINCT FROM f.published_text DESC,
            t.published = f.vintage DESC, t.source_url = f.source_url DESC, t.standing = 'figure' DESC, t.cell
    ) = 1
),
answers AS (  -- the files of a release that hold respondents' answers: all but those that people write
    SELECT
        b.release,
        string_agg(split_part(b.file, '  ', 1), ' and ' ORDER BY b.file) AS sha256,
        string_agg(split_part(b.file, '  ', 2), ' and ' ORDER BY b.file) AS name
    FROM (SELECT r.release, unnest(r.files) AS file FROM releases AS r) AS b
    WHERE split_part(b.file, '  ', 2)
        NOT IN ('release.yml', 'questions.csv', 'categories.csv', 'toplines.csv', 'published.csv')
    GROUP BY b.release
),
described AS (
    SELECT
        f.* EXCLUDE (file_sha256, cell),
        coalesce(f.file_sha256, a.sha256) AS file_sha256,
        coalesce(f.cell, a.name || coalesce(', variable ' || q.variable, '')) AS cell,
        coalesce(o.name, f.organisation) AS organisation_name,
        coalesce(s.name, f.series) AS series_name,
        w.title, w.fieldwork, w.population, w.mode, w.weighting,
        q.wording, q.wording_kind,
        coalesce(c.label, f.category) AS category_label,
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
    LEFT JOIN answers AS a ON a.release = f.release AND f.basis = 'microdata'
),
answer AS (
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
            || CASE
                WHEN d.load_vintage > 1
                    THEN '; load ' || d.load_vintage::VARCHAR || ', because of ' || coalesce(d.cause, 'nothing stated')
                ELSE ''
            END
            || CASE WHEN d.latest THEN '' ELSE '; replaced on ' || coalesce(d.available_until::VARCHAR, 'a later day') END
            || '. File sha256: ' || coalesce(d.file_sha256, 'not kept')
            || '. ' || d.source_url
            || '. Estimate ' || d.estimate_id || '.' AS citation,
        d.estimate_id, d.organisation, d.organisation_name, d.series, d.series_name, d.wave, d.title,
        d.fieldwork, d.fieldwork_start, d.fieldwork_end, d.population, d.mode, d.n, d.weighting,
        d.item, d.wording, d.wording_kind, d.category, d.category_label, d.subgroup, d.subgroup_value, d.base,
        d.percent, d.percent_low, d.percent_high, d.interval_method, d.qualifier, d.published_text, d.flags,
        d.basis, d.vintage, CASE WHEN d.load_vintage > 0 THEN d.load_vintage END AS load_vintage, d.loaded_at, d.cause,
        CASE WHEN d.latest THEN NULL ELSE d.available_until END AS replaced_on,
        d.file_sha256, d.cell, d.release, d.source_url
    FROM described AS d
)
SELECT unnest(_found._row)
FROM (SELECT r.estimate_id AS _id, r AS _row FROM answer AS r) AS _found
WHERE _found._id = estimate_id;

COMMENT ON MACRO TABLE cite IS
'cite(estimate_id): one row, a citation to paste and its parts as columns. Ids of replaced values work too; replaced_on '
'says since when another value stands. file_sha256 and cell lead to the bytes: of a published figure the row, of an '
'estimate from answers the file and its variable. n and the wording are those of the question in that wave; not stated '
'means that the source does not say.';


CREATE MACRO overdue_on(day) AS TABLE
WITH ends AS (  -- waves that end on one day count once
    SELECT w.organisation, w.series, w.fieldwork_end AS ended, max(w.wave) AS wave
    FROM waves AS w
    WHERE w.fieldwork_end IS NOT NULL
    GROUP BY w.organisation, w.series, w.fieldwork_end
),
gaps AS (
    SELECT e.*, e.ended - lag(e.ended) OVER (PARTITION BY e.organisation, e.series ORDER BY e.ended) AS gap
    FROM ends AS e
),
lines AS (
    SELECT
        g.organisation, g.series, arg_max(g.wave, g.ended) AS last_wave, max(g.ended) AS last_end,
        count(g.gap) AS gaps, CAST(ceil(median(g.gap)) AS INTEGER) AS median_gap
    FROM gaps AS g
    GROUP BY g.organisation, g.series
),
rhythms AS (
    SELECT
        l.organisation, l.series, l.last_wave, l.last_end,
        coalesce(s.rhythm_days, CASE WHEN l.gaps >= 2 THEN l.median_gap END) AS rhythm,
        CASE
            WHEN s.rhythm_days IS NOT NULL THEN 'as declared'
            ELSE 'the median of ' || l.gaps || ' gaps'
        END AS basis
    FROM lines AS l
    LEFT JOIN series AS s ON s.organisation = l.organisation AND s.series = l.series
)
SELECT
    _found._organisation AS organisation, _found._series AS series, _found._last_wave AS last_wave,
    _found._last_end AS last_fieldwork_end, _found._rhythm AS rhythm_days, _found._basis AS rhythm_basis,
    _found._expected_by AS expected_by, CAST(CAST(day AS DATE) - _found._expected_by AS INTEGER) AS overdue_days
FROM (
    SELECT
        r.organisation AS _organisation, r.series AS _series, r.last_wave AS _last_wave, r.last_end AS _last_end,
        r.rhythm AS _rhythm, r.basis AS _basis,
        r.last_end + CAST(ceil(1.5 * r.rhythm) AS INTEGER) AS _expected_by,
        r.last_end + greatest(4 * r.rhythm, 365) AS _given_up
    FROM rhythms AS r
    WHERE r.rhythm IS NOT NULL
) AS _found
WHERE CAST(day AS DATE) > _found._expected_by AND CAST(day AS DATE) <= greatest(_found._given_up, _found._expected_by + 180)
ORDER BY _found._organisation, _found._series;

COMMENT ON MACRO TABLE overdue_on IS
'overdue_on(day): series whose next wave is late by their own rhythm. The rhythm is what series.yml declares, or else the '
'median gap between the ends of fieldwork of three waves or more; half of it is allowed as grace. A series that has been '
'silent for four rhythms, and for at least a year, counts as ended and is not named.';


CREATE VIEW overdue AS SELECT o.* FROM overdue_on(current_date) AS o;

COMMENT ON VIEW overdue IS 'overdue_on(today): series whose next wave is late by their own rhythm.';

"""Tables of the catalogue: who asks, in which waves, with which releases, items and questions.

Belongs here: what people wrote, as tables. Does not belong here: figures (schemas.tables.figures), the state of the
house (schemas.tables.house).
"""

from schemas.tables.declare import Table, column
from schemas.tables.shared import FIELDWORK, RELEASE, WAVE
from schemas.vocabulary import (
    Answer,
    CandidateRole,
    Cause,
    ClaimVerdict,
    ClaimView,
    Comparison,
    Decision,
    DesignEffectBasis,
    Direction,
    Form,
    Kind,
    OptionsMatch,
    Probability,
    Qualifier,
    QuestionMatch,
    ReleaseStatus,
    WordingKind,
    words,
)

MANIFEST = "release.yml"

ORGANISATIONS = Table(
    "organisations",
    "The houses that ask: one row per organisation.",
    "releases",
    ("organisation",),
    {
        "organisation": column("VARCHAR", "Id of the organisation", source="organisation.yml"),
        "name": column("VARCHAR", "Name in English"),
        "other_names": column("VARCHAR[]", "Other spellings and names under which it is quoted"),
        "country": column("VARCHAR", "Country of the organisation", nullable=True),
        "kind": column("VARCHAR", "What kind of organisation it is", nullable=True),
        "url": column("VARCHAR", "Its address", nullable=True),
        "note": column("VARCHAR", "What a user should know", nullable=True),
    },
)

SERIES = Table(
    "series",
    "Series of waves: one row per organisation and series.",
    "releases",
    ("organisation", "series"),
    {
        "organisation": column("VARCHAR", "Id of the organisation"),
        "series": column("VARCHAR", "Id of the series", source="series.yml"),
        "name": column("VARCHAR", "Name of the series"),
        "topic": column("VARCHAR", "What it asks about", nullable=True),
        "population": column("VARCHAR", "Whom it means to describe", nullable=True),
        "mode": column("VARCHAR", "How people are interviewed", nullable=True),
        "rhythm_days": column("INTEGER", "Usual distance between waves", unit="days", nullable=True, low=1),
        "baseline": column("VARCHAR", "Wave with which every other is compared as well", nullable=True),
        "url": column("VARCHAR", "Address of the series", nullable=True),
        "note": column("VARCHAR", "What a user should know", nullable=True),
    },
)

WAVES = Table(
    "waves",
    "Waves: one row per organisation, series and wave, described by its latest release.",
    "releases",
    ("organisation", "series", "wave"),
    {
        "organisation": column("VARCHAR", "Id of the organisation"),
        "series": column("VARCHAR", "Id of the series"),
        "wave": column("VARCHAR", "Id of the wave within its series"),
        "title": column("VARCHAR", "Title of the report", nullable=True),
        **FIELDWORK,
        "fieldwork": column("VARCHAR", "Fieldwork as the source states it, with its precision"),
        "n": column("INTEGER", "Interviews", unit="persons", nullable=True, low=1, source=MANIFEST),
        "n_stated": column("VARCHAR", "Size as the source words it, where it is not a number", nullable=True),
        "strategy": column("VARCHAR", "Strategy of data collection", nullable=True),
        "sponsor_and_conductor": column("VARCHAR", "Who paid for it and who carried it out", nullable=True),
        "instruments": column("VARCHAR", "Questionnaire and other instruments", nullable=True),
        "population": column("VARCHAR", "Population described", nullable=True),
        "mode": column("VARCHAR", "Mode of interviewing", nullable=True),
        "sampling": column("VARCHAR", "How people were selected", nullable=True),
        "weighting": column("VARCHAR", "How answers are weighted", nullable=True),
        "processing": column("VARCHAR", "How answers were processed and checked", nullable=True),
        "limitations": column("VARCHAR", "Limitations that the house names", nullable=True),
        "probability_sample": column("VARCHAR", "Whether chance selected people", allowed=words(Probability)),
        "margin_of_error": column("DOUBLE", "Margin as stated by the house", unit="points", nullable=True, low=0),
        "margin_note": column("VARCHAR", "Remark on the stated margin", nullable=True),
        "design_effect": column("DOUBLE", "Design effect used for published figures", nullable=True, low=0),
        "design_effect_basis": column(
            "VARCHAR", "Where the design effect comes from", nullable=True, allowed=words(DesignEffectBasis)
        ),
        "design_effect_reason": column("VARCHAR", "Why this design effect", nullable=True),
        "disclosed_items": column(
            "INTEGER",
            "How many of the eleven disclosure items are stated; a count, no grade",
            low=0,
            high=11,
            source="AAPOR Transparency Initiative, 2021",
        ),
        "undisclosed": column("VARCHAR[]", "The disclosure items that are not stated"),
        "releases": column("INTEGER", "Releases of this wave", low=1),
        "note": column("VARCHAR", "Our notes", nullable=True),
    },
)

RELEASES = Table(
    "releases",
    "Releases: one row per release that is published here, with the bytes it was read from.",
    "releases",
    ("release",),
    {
        **RELEASE,
        **WAVE,
        "vintage": column("VARCHAR", "When the producer published it (day, month or year), or undated"),
        "status": column(
            "VARCHAR", "interim, final, or quoted by later publications only", allowed=words(ReleaseStatus)
        ),
        "title": column("VARCHAR", "Title of the report", nullable=True),
        "source_url": column("VARCHAR", "Address of the publication", nullable=True),
        "load_vintage": column("INTEGER", "How often this release has been loaded with a difference", low=1),
        "cause": column("VARCHAR", "Why the latest load differs from the one before", allowed=words(Cause)),
        "loaded_at": column("TIMESTAMP", "When it was loaded", unit="UTC"),
        "tree_sha256": column("VARCHAR", "Checksum of the archived folder listing: leads to every byte"),
        "files": column("VARCHAR[]", "Files with checksums, as `sha256  path`"),
        "licence": column("VARCHAR", "Licence of the files"),
        "redistribute": column("BOOLEAN", "Whether the files may be passed on; unknown means no"),
        "embargo_until": column("VARCHAR", "Not to be published before", nullable=True),
        "awaits": column("VARCHAR[]", "Declared files that are not at hand; see awaiting"),
        "figures": column("INTEGER", "Published figures read", low=0),
        "estimates": column("INTEGER", "Estimates made of them", low=0),
        "producer_notes": column("VARCHAR", "The producer's words on method", nullable=True),
        "our_notes": column("VARCHAR", "Our notes", nullable=True),
    },
)

ITEMS = Table(
    "items",
    "Items: harmonised questions. Questions that share an item are declared comparable.",
    "questions",
    ("item",),
    {
        "item": column("VARCHAR", "Id of the item", source="catalog/items"),
        "concept": column("VARCHAR", "The attitude that it measures"),
        "title": column("VARCHAR", "Short title"),
        "wording": column("VARCHAR", "The question"),
        "wording_kind": column("VARCHAR", "Whose words these are", allowed=words(WordingKind)),
        "answer": column("VARCHAR", "One answer or several", allowed=words(Answer)),
        "polarity": column("VARCHAR", "Which end means what", nullable=True),
        "keywords": column("VARCHAR[]", "Words by which people look for it"),
        "apart_from": column("VARCHAR[]", "Items that only look the same, as `item: reason`"),
        "note": column("VARCHAR", "What a user should know", nullable=True),
    },
)

CONCEPTS = Table(
    "concepts",
    "Names of concepts, the subjects under which items are filed. A concept of `items` without a row has no name yet.",
    "questions",
    ("concept",),
    {
        "concept": column("VARCHAR", "Id of the concept", source="catalog/concepts.yml"),
        "name": column("VARCHAR", "Name for people"),
        "note": column("VARCHAR", "What a user should know", nullable=True),
    },
)

CATEGORIES = Table(
    "categories",
    "Answer categories of items, in questionnaire order.",
    "questions",
    ("item", "category"),
    {
        "item": column("VARCHAR", "Id of the item"),
        "category": column("VARCHAR", "Id of the category"),
        "position": column("INTEGER", "Order, from 1", low=1),
        "label": column("VARCHAR", "Label"),
        "kind": column("VARCHAR", "Substantive, a kind of missing, or a net", allowed=words(Kind)),
        "parts": column("VARCHAR[]", "Of a net: the categories it adds up"),
        "score": column("DOUBLE", "Score for means", nullable=True),
    },
)

QUESTIONS = Table(
    "questions",
    "Questions as asked in one wave, and how far each is the item it is filed under.",
    "questions",
    ("release", "question"),
    {
        **RELEASE,
        **WAVE,
        "question": column("VARCHAR", "Name of the question in its source"),
        "item": column("VARCHAR", "Item it is filed under"),
        "wording": column("VARCHAR", "Wording in this wave"),
        "wording_kind": column("VARCHAR", "Whose words these are", allowed=words(WordingKind)),
        "question_match": column("VARCHAR", "Same question as the item's?", allowed=words(QuestionMatch)),
        "options_match": column("VARCHAR", "Same answer options?", allowed=words(OptionsMatch)),
        "answer": column("VARCHAR", "One answer or several", allowed=words(Answer)),
        "form": column("VARCHAR", "Whole sample, half sample, or one of several wordings", allowed=words(Form)),
        "n": column("INTEGER", "Persons asked, where not everyone was", unit="persons", nullable=True, low=1),
        "n_unknown": column("BOOLEAN", "Asked of part of the sample whose size is not stated"),
        "decision": column("VARCHAR", "What a trend does with it", allowed=words(Decision)),
        "reason": column("VARCHAR", "Why", nullable=True),
        "reviewed_by": column("VARCHAR", "Who reviewed this; empty means provisional, outside trends", nullable=True),
        "variable": column("VARCHAR", "Variable or multiple-response set of the respondents' file", nullable=True),
        "variable_label": column("VARCHAR", "Label of the variable in the file", nullable=True),
        "filter": column("VARCHAR", "Condition on the respondents: who was asked, or which wording", nullable=True),
        "base": column("VARCHAR", "That condition in words; NULL for all respondents", nullable=True),
        "note": column("VARCHAR", "Our note", nullable=True),
    },
)

CODES = Table(
    "codes",
    "Codes of the respondents' files: what each means in each question, and how often it was given.",
    "questions",
    ("release", "question", "code"),
    {
        **RELEASE,
        **WAVE,
        "question": column("VARCHAR", "Name of the question in its source"),
        "item": column("VARCHAR", "Item it is filed under"),
        "variable": column("VARCHAR", "Variable or multiple-response set"),
        "code": column("VARCHAR", "Code in the file; . is the system-missing value"),
        "label": column("VARCHAR", "The file's label for it", nullable=True),
        "category": column("VARCHAR", "Category of the item; NULL outside the base", nullable=True),
        "kind": column("VARCHAR", "What kind of answer it is", allowed=words(Kind)),
        "in_base": column("BOOLEAN", "Whether respondents with this code count in percentages"),
        "score": column("DOUBLE", "Score in means and indices", nullable=True),
        "n": column("INTEGER", "Respondents with this code, unweighted, weight above 0", unit="persons", low=0),
    },
)

WEIGHTS = Table(
    "weights",
    "Weights of the respondents: which variable or how made, and how they are distributed. One row per release.",
    "questions",
    ("release",),
    {
        **RELEASE,
        **WAVE,
        "variable": column(
            "VARCHAR", "Weight variable, where weights are made here that of their base; NULL without", nullable=True
        ),
        "rows": column("INTEGER", "Rows of the file that belong to the release", unit="persons", low=0),
        "n": column("INTEGER", "Rows with a weight above 0: the respondents", unit="persons", low=0),
        "zeros": column("INTEGER", "Rows with weight 0, in no base", unit="persons", low=0),
        "missing": column("INTEGER", "Rows without a weight, in no base", unit="persons", low=0),
        "weighted_n": column("DOUBLE", "Sum of the weights", unit="weight", nullable=True, low=0),
        "mean": column("DOUBLE", "Mean of the weights above 0", unit="weight", nullable=True, low=0),
        "lowest": column("DOUBLE", "Lowest weight above 0", unit="weight", nullable=True, low=0),
        "highest": column("DOUBLE", "Highest weight", unit="weight", nullable=True, low=0),
        "design_effect": column("DOUBLE", "Kish's design effect of weighting: 1 + cv squared", nullable=True, low=1),
        "n_effective": column("DOUBLE", "n divided by that", unit="persons", nullable=True, low=0),
        "strata": column("VARCHAR[]", "Variables of the strata"),
        "psu": column("VARCHAR", "Variable of the primary sampling units", nullable=True),
        "method": column("VARCHAR", "How the weights were made here; NULL where they are the file's", nullable=True),
        "iterations": column("INTEGER", "Steps until the targets were met", nullable=True, low=0),
        "largest_difference": column(
            "DOUBLE", "Largest difference of a weighted share to its target, relative", nullable=True, low=0
        ),
        "share_at_bounds": column(
            "DOUBLE", "Respondents at a limit of trimming or calibration, of 1", nullable=True, low=0, high=1
        ),
    },
)

CLAIMS = Table(
    "claims",
    "Press sentences that quote a survey, checked with what was known at their date and with what stands today.",
    "claims",
    ("claim",),
    {
        "claim": column("VARCHAR", "Id of the claim", source="catalog/claims"),
        "said_by": column("VARCHAR", "Who said it"),
        "published": column("VARCHAR", "When"),
        "url": column("VARCHAR", "Where", nullable=True),
        "statement": column("VARCHAR", "What was said, in our words"),
        "item": column("VARCHAR", "Item it is about"),
        "category": column("VARCHAR", "Category it is about"),
        "value": column("DOUBLE", "Figure claimed", unit="percent", nullable=True, low=0, high=100),
        "other_value": column("DOUBLE", "Earlier figure, of a claimed change", unit="percent", nullable=True),
        "qualifier": column("VARCHAR", "How exact the sentence is", allowed=words(Qualifier)),
        "comparison": column("VARCHAR", "What kind of statement", allowed=words(Comparison)),
        "direction": column("VARCHAR", "Where a claimed change goes", nullable=True, allowed=words(Direction)),
        "period": column("VARCHAR", "Time of the interviews, if the sentence names it", nullable=True),
        "other_period": column("VARCHAR", "The same for the earlier figure", nullable=True),
        "organisation": column("VARCHAR", "House that is quoted", nullable=True),
        "population": column("VARCHAR", "Population claimed", nullable=True),
        "checked_for": column("DATE", "Last day that its date can mean: what was known by then is its_date"),
        "verdict": column("VARCHAR", "With what was known at its date", allowed=words(ClaimVerdict)),
        "findings": column("VARCHAR[]", "Everything that was found, worst first, as `verdict: rule`"),
        "sentence": column("VARCHAR", "That verdict in words, with the figures and where they are from"),
        "estimate_ids": column("VARCHAR[]", "The estimates that the sentence rests on; see cite"),
        "verdict_today": column("VARCHAR", "If it were printed again today", allowed=words(ClaimVerdict)),
        "findings_today": column("VARCHAR[]", "The same for today"),
        "sentence_today": column("VARCHAR", "The same for today"),
        "estimate_ids_today": column("VARCHAR[]", "The same for today"),
        "note": column("VARCHAR", "Our note", nullable=True),
    },
)

CLAIM_CANDIDATES = Table(
    "claim_candidates",
    "Figures that a press sentence may mean, with the reason for or against each: one row per claim, view and figure.",
    "claims",
    ("claim", "view", "position"),
    {
        "claim": column("VARCHAR", "Id of the claim"),
        "view": column("VARCHAR", "What was known at its date, or what stands today", allowed=words(ClaimView)),
        "position": column("INTEGER", "Order, from 1: nearest to the sentence first", low=1),
        "role": column("VARCHAR", "What the figure is to the claim", allowed=words(CandidateRole)),
        "agrees": column("BOOLEAN", "Whether it is the figure claimed, rounded as the sentence rounds", nullable=True),
        "why": column("VARCHAR", "Why it is or is not the one meant"),
        **WAVE,
        "item": column("VARCHAR", "Item"),
        "category": column("VARCHAR", "Category of the item"),
        "percent": column("DOUBLE", "Share; NULL for a range", unit="percent", nullable=True, low=0, high=100),
        "percent_low": column(
            "DOUBLE", "Lower end of the 95 % interval", unit="percent", nullable=True, low=0, high=100
        ),
        "percent_high": column(
            "DOUBLE", "Upper end of the 95 % interval", unit="percent", nullable=True, low=0, high=100
        ),
        "n": column("INTEGER", "Unweighted base", unit="persons", nullable=True, low=1),
        "qualifier": column("VARCHAR", "How exact the published figure is", allowed=words(Qualifier)),
        **FIELDWORK,
        "population": column("VARCHAR", "Population described", nullable=True),
        "mode": column("VARCHAR", "Mode of interviewing", nullable=True),
        "available_from": column("DATE", "First day on which it could be known", nullable=True),
        "available_until": column("DATE", "Day on which another value took its place", nullable=True),
        "flags": column("VARCHAR[]", "Flags of the estimate"),
        "estimate_id": column("VARCHAR", "Id of the estimate; NULL for a retelling", nullable=True),
        "source_url": column("VARCHAR", "Address of the page"),
    },
)

TABLES = (
    ORGANISATIONS,
    SERIES,
    WAVES,
    RELEASES,
    ITEMS,
    CONCEPTS,
    CATEGORIES,
    QUESTIONS,
    CODES,
    WEIGHTS,
    CLAIMS,
    CLAIM_CANDIDATES,
)

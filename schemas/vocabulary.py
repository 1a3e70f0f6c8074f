"""The closed lists of words that contracts and tables share.

Belongs here: every enumeration that appears both in a hand-written file and in a table, declared once.
Does not belong here: free text, labels, rules.
"""

from typing import Literal, get_args

Qualifier = Literal["exact", "about", "more_than", "less_than", "range"]
Standing = Literal["figure", "repeat", "superseded", "interim", "retelling"]
Kind = Literal["substantive", "dont_know", "refused", "not_asked", "system", "net"]
QuestionMatch = Literal["same", "similar", "different"]
OptionsMatch = Literal["same", "changed", "collapsed", "different"]
Decision = Literal["join", "note", "break", "exclude"]
Form = Literal["full", "half", "version", "unknown"]
Answer = Literal["single", "multiple"]
WordingKind = Literal["verbatim", "translation", "paraphrase"]
Confidence = Literal["read_directly", "secondary_report"]
ReleaseStatus = Literal["interim", "final", "quoted"]
DesignEffectBasis = Literal["stated", "derived_from_margin", "assumed"]
Probability = Literal["yes", "no", "unknown"]
Comparability = Literal["comparable", "with_note", "break", "not_comparable", "unreviewed"]
Pair = Literal["consecutive", "first_last", "baseline"]
SplitPair = Literal["consecutive", "first_last"]
# How else the answers of an estimate can be read.
Reading = Literal["without_dont_know", "unweighted"]
# A slope is no finding where a straight line does not describe the figures.
LineVerdict = Literal["rise", "fall", "no_detectable_change", "not_straight", "not_tested"]
Verdict = Literal["rise", "fall", "no_detectable_change", "not_tested"]
Cause = Literal["new", "data", "weights", "crosswalk", "correction", "metadata", "code"]
Comparison = Literal["level", "change", "majority", "complement"]
Direction = Literal["rise", "fall"]
ClaimVerdict = Literal[
    "not_checked",
    "supported",
    "supported_but_dated",
    "ambiguous",
    "not_a_detectable_change",
    "complement_fallacy",
    "top_category_only",
    "wrong_population",
    "contradicted",
    "no_data",
]
# Under what a claim is looked at: with what was known when it was printed, and with what stands now.
ClaimView = Literal["its_date", "today"]
# What a figure is to a claim: one that the sentence must mean, another wave of the same answer, a value that was
# replaced, another answer of the question, another question, or a printed figure that is nobody's estimate.
CandidateRole = Literal["meant", "other_wave", "earlier_value", "other_answer", "other_question", "retelling"]
# What moved, in the order in which a person should read it. `version` is about the comparison itself.
DigestKind = Literal[
    "version", "wave", "load", "withdrawn", "revision", "change", "claim", "quarantined", "mended", "overdue",
    "arrived", "awaiting",
]  # fmt: skip
Severity = Literal["error", "warning"]
Basis = Literal["microdata", "published"]
FileRole = Literal["toplines", "respondents", "published"]
Recipe = Literal["index", "count", "cross"]
PublishedStatistic = Literal["percent", "percent_low", "percent_high", "n", "weighted_n", "mean"]
# What comes of a published figure that was computed again: within its own rounding, within a tolerance that somebody
# declared with a reason, neither, or not computed because the file is not at hand or the cell is not there.
Agreement = Literal["agrees", "within_tolerance", "differs", "awaits_file", "not_computed"]

# Why a release was set aside. The order is the order in which a person should read them.
QUARANTINE_CAUSES = (
    "unsafe_path",
    "too_large",
    "empty",
    "encoding",
    "not_a_survey_file",
    "truncated",
    "corrupt",
    "unsupported",
    "timed_out",
    "crashed",
    "fetch",
    "checksum",
    "manifest",
    "duplicate",
    "crosswalk",
    "toplines",
    "contract",
)


def words(literal: object) -> tuple[str, ...]:
    """The allowed words of one of the literals above, in their order."""
    return tuple(get_args(literal))

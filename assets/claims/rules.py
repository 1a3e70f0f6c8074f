"""What is said of a claim: every rule, in one table.

Belongs here: the rules with their verdict, the condition in words, and the sentence; the order of verdicts. Does not
belong here: the conditions as code (assets.claims.conditions), wording of figures (assets.claims.sentences).

All rules that apply are kept; the verdict that stands first in `WORST_FIRST` decides. `unless` names rules that say
more: where one of them applies, this one is not said as well.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from assets.claims import conditions
from assets.claims.candidates import Case
from assets.claims.facts import Figure, Printed
from schemas.vocabulary import ClaimVerdict, words

# What is false comes before what misleads, and that before what needs a remark.
WORST_FIRST: tuple[ClaimVerdict, ...] = (
    "not_checked",
    "no_data",
    "contradicted",
    "complement_fallacy",
    "top_category_only",
    "not_a_detectable_change",
    "wrong_population",
    "ambiguous",
    "supported_but_dated",
    "supported",
)
LEADS: Mapping[str, str] = {
    "not_checked": "Not checked",
    "no_data": "No data",
    "contradicted": "Not what the survey found",
    "complement_fallacy": "A complement, not an answer",
    "top_category_only": "Only a part of the answer",
    "not_a_detectable_change": "Not a change that can be established",
    "wrong_population": "Another population",
    "ambiguous": "Not decided",
    "supported_but_dated": "Supported, but dated",
    "supported": "Supported",
}


@dataclass(frozen=True)
class Rule:
    """A rule: its name, its verdict, when it applies (for people), the test, the sentence."""

    name: str
    verdict: ClaimVerdict
    when: str
    applies: Callable[[Case], conditions.Told | None]
    sentence: str
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A rule that applied, in words."""

    rule: str
    verdict: ClaimVerdict
    clause: str
    figures: tuple[Figure | Printed, ...]

    def __str__(self) -> str:
        """As it stands in the column `findings`."""
        return f"{self.verdict}: {self.rule}"


# Rules that say why a value is not the figure of the answer: with one of them the bare "no such figure" is not needed.
_EXPLAIN = (
    "complement of another question",
    "another wave",
    "another answer",
    "another question",
    "a retelling",
    "complement",
    "with the undecided",
    "part of a net",
    "presumed part of a net",
    "unsettled",
    "a point apart",
    "kept out of trends",
    "older wave",
    "revised since",
)
_PARTS = ("complement", "with the undecided", "part of a net", "presumed part of a net")

RULES: tuple[Rule, ...] = (
    Rule(
        "no number",
        "not_checked",
        "The sentence has no figure.",
        conditions.no_number,
        "the sentence has no figure to check",
    ),
    Rule(
        "no figure",
        "no_data",
        "No figure of this answer was known, and nothing else explains the value.",
        conditions.no_figure,
        "no figure of {what}{when} {known}",
        unless=(*_EXPLAIN, "two questions"),
    ),
    Rule(
        "another answer",
        "contradicted",
        "The value is the figure of another answer of the same question.",
        conditions.another_answer,
        "{value} is the figure of {label}; {what} has {measured}",
        unless=(*_PARTS, "unsettled"),
    ),
    Rule(
        "another wave",
        "contradicted",
        "The sentence names a time, and the value is of a wave of another time.",
        conditions.another_wave,
        "the value is {measured}, not of {period}{stands}",
        unless=(*_PARTS, "unsettled"),
    ),
    Rule(
        "another question",
        "contradicted",
        "The value is found only in a question that the catalogue declares apart.",
        conditions.another_question,
        "{value} is the figure of another question, {question} ({reason}){stands}",
        unless=(*_PARTS, "another answer", "another wave", "a retelling", "unsettled", "a point apart"),
    ),
    Rule(
        "a retelling",
        "contradicted",
        "The value stands only in a retelling, which the catalogue does not follow.",
        conditions.retold,
        "{value} stands only in a retelling; {stands} ({note})",
        unless=(*_PARTS, "unsettled", "a point apart"),
    ),
    Rule(
        "no such figure",
        "contradicted",
        "The figure is another one, and nothing explains the difference.",
        conditions.no_such_figure,
        "the figure is not {value} but {measured}{inside}",
        unless=_EXPLAIN,
    ),
    Rule(
        "no majority",
        "contradicted",
        "A majority is claimed, and the figure with its interval is at most a half.",
        conditions.no_majority,
        "no majority: {measured}",
    ),
    Rule(
        "the other way",
        "contradicted",
        "A change is found, in the other direction.",
        conditions.other_way,
        "the change goes the other way: {pair}, {change}",
    ),
    Rule(
        "no such pair",
        "contradicted",
        "No two waves have the two figures in this order.",
        conditions.no_such_pair,
        "no two waves have {asked} one after the other ({known})",
        unless=("two questions", "another question"),
    ),
    Rule(
        "complement",
        "complement_fallacy",
        "The value is 100 minus an answer, and not all the others said the opposite.",
        conditions.complement,
        '{value} is 100 - {share}: "{label}" has {measured}; {said}',
    ),
    Rule(
        "complement of another question",
        "complement_fallacy",
        "A denial whose value is 100 minus an answer to a question that the catalogue declares apart.",
        conditions.complement_elsewhere,
        '{value} is 100 - {share} of another question, "{question}": "{label}" has {measured} ({reason}); {what} has '
        "{own}",
        unless=("complement", "with the undecided", "part of a net", "unsettled", "a point apart"),
    ),
    Rule(
        "with the undecided",
        "complement_fallacy",
        "The value is an answer and don't know, added up.",
        conditions.with_the_undecided,
        '{value} is {own} and {undecided} ("{label}") added up; the answer alone has {measured}',
    ),
    Rule(
        "part of a net",
        "top_category_only",
        "The value is the figure of one part of the answer that is claimed.",
        conditions.part_of_net,
        "{value} is only {part}, a part of {what}{stands}",
    ),
    Rule(
        "presumed part of a net",
        "top_category_only",
        "The value stands only in a retelling, far below a sum whose parts nobody printed.",
        conditions.presumed_part,
        "{what} has {measured}; {value} stands only in a retelling, presumably for the strongest answer alone ({note})",
    ),
    Rule(
        "within the error",
        "not_a_detectable_change",
        "The interval of the change includes zero.",
        conditions.within_error,
        "the samples cannot tell {pair} apart: {change}",
    ),
    Rule(
        "a break",
        "not_a_detectable_change",
        "The two waves must not be joined, or nobody has reviewed whether they may.",
        conditions.not_joined,
        "{pair} do not make a trend: {reasons}",
    ),
    Rule(
        "two questions",
        "not_a_detectable_change",
        "One of the two figures is of a question that the catalogue declares apart.",
        conditions.two_questions,
        '{own} and {apart} are answers to two questions, the latter "{question}" ({reason})',
    ),
    Rule(
        "narrower population",
        "wrong_population",
        "The survey describes fewer people than the sentence.",
        conditions.narrower,
        'the survey describes {population}, not "{claimed}"',
    ),
    Rule(
        "unsettled",
        "ambiguous",
        "Two sources print two values, and nobody has reviewed which is right.",
        conditions.unsettled,
        "not settled: {measured}, while another source prints {other} ({note})",
    ),
    Rule(
        "a point apart",
        "ambiguous",
        "The value stands in a retelling, at most a point from the figure of the house.",
        conditions.a_point_apart,
        "{measured}, while another source prints {other} ({note})",
        unless=(*_PARTS, "unsettled"),
    ),
    Rule(
        "houses disagree",
        "ambiguous",
        "Several lines are meant, and some have another figure.",
        conditions.disagree,
        "{who} disagree: {found}, but {rest}",
    ),
    Rule(
        "cannot be tested",
        "ambiguous",
        "A change between figures of which one has no standard error.",
        conditions.untested,
        "{pair} are the figures, but whether they differ cannot be tested: no standard error in wave {without}",
    ),
    Rule(
        "majority within the error",
        "ambiguous",
        "A majority is claimed, and the interval includes a half.",
        conditions.majority_unsure,
        "whether it is a majority is within the error: {measured}",
    ),
    Rule(
        "not exact",
        "ambiguous",
        "The sentence is exact and the source is not.",
        conditions.inexact,
        "the source is not exact: {measured}",
    ),
    Rule(
        "not reviewed",
        "ambiguous",
        "Nobody has reviewed which question or wave the figure is of.",
        conditions.unreviewed,
        "the question of wave {waves} is not reviewed",
        unless=("unsettled",),
    ),
    Rule(
        "kept out of trends",
        "ambiguous",
        "The only figure that agrees is kept out of trends.",
        conditions.kept_out,
        "the only such figure is {measured}, which is kept out of trends: {reason}",
    ),
    Rule(
        "older wave",
        "supported_but_dated",
        "The value is of a wave that was not the newest.",
        conditions.older_wave,
        "{older}; newer than that is {newer}",
    ),
    Rule(
        "revised since",
        "supported_but_dated",
        "The value stood once and was replaced.",
        conditions.revised,
        "the value was {was} and was replaced{day}: {measured}",
    ),
    Rule(
        "agrees",
        "supported",
        "The figure of the wave that is meant rounds to the value.",
        conditions.agrees,
        "{measured}",
    ),
    Rule(
        "a majority",
        "supported",
        "A majority is claimed without a figure, and the interval lies above a half.",
        conditions.majority,
        "a majority: {measured}",
    ),
    Rule(
        "a change",
        "supported",
        "The change is found, in the direction that is claimed.",
        conditions.change_found,
        "{pair}, {change}",
    ),
)


def judge(case: Case, rules: Sequence[Rule] = RULES) -> list[Finding]:
    """Everything that the rules say of a case, worst first; empty if none applies."""
    told = {rule.name: rule.applies(case) for rule in rules}
    found = []
    for rule in rules:
        said = told[rule.name]
        if said is not None and not any(told.get(name) is not None for name in rule.unless):
            fields, figures = said
            found.append(Finding(rule.name, rule.verdict, rule.sentence.format(**fields), tuple(figures)))
    return sorted(found, key=lambda finding: WORST_FIRST.index(finding.verdict))


assert set(WORST_FIRST) == set(words(ClaimVerdict)) == set(LEADS)  # noqa: S101  every verdict has its place

"""A claim, checked: verdict, findings, sentence, candidates.

Belongs here: the order of the work on one claim. Does not belong here: the rules, reading and writing of tables.
"""

from dataclasses import dataclass

from assets.claims import sentences
from assets.claims.candidates import Candidate, Case
from assets.claims.facts import Facts, Figure, Printed
from assets.claims.rules import LEADS, Finding, judge
from schemas.claim import Claim
from schemas.vocabulary import ClaimVerdict, ClaimView

MOST_SOURCES = 4


@dataclass(frozen=True)
class Checked:
    """What is said of a claim in one view."""

    view: ClaimView
    verdict: ClaimVerdict
    findings: list[Finding]
    sentence: str
    figures: list[Figure | Printed]
    candidates: list[Candidate]


def check(claim: Claim, facts: Facts, view: ClaimView) -> Checked:
    """Check a claim with what was known at its date, or with what stands today.

    Args:
        claim: the sentence, reduced to the figure it needs.
        facts: about its item and those apart from it.
        view: its_date or today.
    """
    case = Case(claim, facts, view)
    findings = judge(case)
    figures: list[Figure | Printed] = []
    for finding in findings:
        figures += [figure for figure in finding.figures if figure not in figures]
    figures = figures[:MOST_SOURCES]
    verdict: ClaimVerdict = findings[0].verdict if findings else "not_checked"
    clauses = [finding.clause for finding in findings]
    lead = LEADS[verdict]
    return Checked(view, verdict, findings, sentences.paragraph(lead, clauses, figures), figures, case.candidates())

"""What may leave the house, release by release: the rules, and what they say of each.

Belongs here: rules on licence, embargo and respondents' answers, as data, and their application to one release. Does
not belong here: rows of tables (`.passing`), formats, what the refresh publishes.

Why the rules are as they are: that a house found 3 % is a fact, and facts are quoted with their source; so are the
words of a question beside its figure. A file, and the codebook that is part of it, is a work of its producer: unknown
licence means that it may not be passed on. What one person answered never leaves, whatever the licence says.
`docs/exports.md` has the same rules as a table; a test holds the two together.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from schemas.dates import last_day


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        name: by which messages call it.
        covers: what it is about.
        leaves: when that may leave.
        change: what would change the answer; `{release}` and `{until}` stand for those of the case.
    """

    name: str
    covers: str
    leaves: str
    change: str


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "answers",
            "respondents' answers, one row per person",
            "never, whatever the licence says",
            "nothing does; ask the house that keeps the file (column obtain of the table awaiting)",
        ),
        Rule(
            "embargo",
            "everything of a release with `embargo_until`",
            "from that day on; of a month or a year, from its last day on",
            "wait until {until}, or change embargo_until in {release}/release.yml and refresh",
        ),
        Rule("figures", "published figures, as printed", "always, with the address of the page", "nothing to change"),
        Rule(
            "estimates",
            "shares, means, changes and bases estimated here",
            "always; suppressed cells stay suppressed",
            "nothing to change",
        ),
        Rule(
            "wording",
            "the words of a question in a wave, and the house's own words on its method",
            "beside a figure of that question; alone only if the licence lets the files be passed on",
            "a figure of the question, or licence: redistribute: true in {release}/release.yml and a refresh",
        ),
        Rule(
            "codebook",
            "codes, their labels and unweighted counts, labels of variables: the codebook of a file",
            "if the licence lets the files be passed on (`redistribute: true`); an unknown licence does not",
            "licence: redistribute: true in {release}/release.yml, with the licence's name, and a refresh",
        ),
    )
}


@dataclass(frozen=True)
class Withheld:
    """Something that stayed here.

    Attributes:
        rule: name of the rule.
        release: organisation/series/folder; "" where it is about no release in particular.
        what: what stayed, with its number.
        why: what the rule found.
        change: what would change it.
    """

    rule: str
    release: str
    what: str
    why: str
    change: str

    def __str__(self) -> str:
        """One sentence for people."""
        where = f"{self.release}, " if self.release else ""
        return f"not exported: {where}{self.what} (rule {self.rule}: {self.why}). To change that: {self.change}"


class NothingMayLeaveError(Exception):
    """All that was asked for stays here."""

    def __init__(self, withheld: Sequence[Withheld]) -> None:
        """Keep what stayed; the message is one line each."""
        self.withheld = list(withheld)
        super().__init__("nothing was exported\n" + "\n".join(map(str, withheld)))


@dataclass(frozen=True)
class Standing:
    """What a release says of itself."""

    release: str
    licence: str
    redistribute: bool
    embargo_until: str | None

    @property
    def free_from(self) -> dt.date | None:
        """First day on which it may leave; None without an embargo."""
        return last_day(self.embargo_until)


class Gate:
    """The rules applied to the releases of one database on one day."""

    def __init__(self, standings: Sequence[Standing], today: dt.date) -> None:
        """`today` is the day on which the export is made."""
        self.standings = {one.release: one for one in standings}
        self.today = today
        self.embargoed = tuple(sorted(one.release for one in standings if one.free_from and today < one.free_from))
        self.closed = tuple(sorted(one.release for one in standings if not one.redistribute))

    def embargo(self, release: str) -> Withheld | None:
        """What the embargo says of a release; None if it may leave."""
        if release not in self.embargoed:
            return None
        until = self.standings[release].embargo_until
        return self._withheld("embargo", release, "all of it", f"not to be published before {until}")

    def codebook(self, release: str, what: str) -> Withheld | None:
        """Whether codes and labels of the release's file may leave; `what` names them with their number."""
        return self._by_licence("codebook", release, what)

    def wording(self, release: str, what: str) -> Withheld | None:
        """Whether questions without a figure may leave."""
        return self._by_licence("wording", release, what)

    def answers(self, what: str) -> Withheld:
        """Respondents' answers stay here."""
        rule = RULES["answers"]
        return Withheld(rule.name, "", what, "what a person answered never leaves", rule.change)

    def _by_licence(self, rule: str, release: str, what: str) -> Withheld | None:
        if release not in self.closed:
            return None
        licence = self.standings[release].licence
        why = (
            "its licence is unknown" if licence == "unknown" else f"its licence ({licence}) is not set to redistribute"
        )
        return self._withheld(rule, release, what, why)

    def _withheld(self, rule: str, release: str, what: str, why: str) -> Withheld:
        until = str(self.standings[release].free_from)
        return Withheld(rule, release, what, why, RULES[rule].change.format(release=release, until=until))


def gate(con: duckdb.DuckDBPyConnection, today: dt.date) -> Gate:
    """The gate of a published database on a day."""
    found = con.execute(
        "SELECT release, licence, redistribute, embargo_until FROM releases ORDER BY release"
    ).fetchall()
    return Gate([Standing(*row) for row in found], today)

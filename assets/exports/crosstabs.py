"""Tables of the field: answers down, everyone asked and the columns of banners across.

Belongs here: which rows and columns a table has, its bases, its letters. Does not belong here: queries (`.reading`),
how a table looks (`.sheets` and its neighbours).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from assets.exports.letters import letter, letters
from assets.exports.reading import TOTAL, Facts, key_of
from warehouse.rows import Row

Group = tuple[str, str]


@dataclass(frozen=True)
class Crosstab:
    """One question of one wave.

    Attributes:
        number: of the table in its file, from 1.
        wave: row of `waves`.
        question: row of `questions`; with `item`, `question` and `wording` at least.
        item: row of `items`.
        categories: rows of `categories` that have a figure, in their order.
        cells: rows of `estimates` by column of a banner and category.
        scores: rows of `scores` by statistic and column of a banner.
    """

    number: int
    wave: Row
    question: Row
    item: Row
    categories: list[Row]
    cells: dict[tuple[Group, str], Row]
    scores: dict[str, dict[Group, Row]]

    @property
    def groups(self) -> list[Group]:
        """Columns that have a figure: everyone first, then by banner."""
        return ordered([*(group for group, _ in self.cells), *(group for of in self.scores.values() for group in of)])

    def rows_of(self, group: Group) -> list[Row]:
        """Shares of a column of a banner; its means where it has no share."""
        shares = [row for (of, _), row in self.cells.items() if of == group]
        return shares or [of[group] for of in self.scores.values() if group in of]

    def line(self, category: str, groups: Sequence[Group]) -> list[Row | None]:
        """The cells of a category in these columns."""
        return [self.cells.get((group, category)) for group in groups]

    def base(self, group: Group, column: str) -> float | None:
        """`n`, `weighted_n` or `n_effective` of a column of a banner.

        n and its weighted sum are those of the question; the effective base differs from answer to answer, and the
        lowest is given. None where no source says.
        """
        known = [row[column] for row in self.rows_of(group) if row.get(column) is not None]
        if not known:
            return None
        return float(min(known) if column == "n_effective" else max(known))

    def letters(self, category: str, groups: Sequence[Group]) -> list[list[str]]:
        """The letters of a category in these columns; the column of everyone has and gets none."""
        found: list[list[str]] = [[] for _ in groups]
        names = column_letters(groups)
        for _, members in groupby(enumerate(groups), key=lambda one: one[1][0]):
            places = [at for at, group in members if group != TOTAL]
            own = letters([self.cells.get((groups[at], category)) for at in places], [names[at] for at in places])
            for at, told in zip(places, own, strict=True):
                found[at] = told
        return found


def ordered(groups: Iterable[Group]) -> list[Group]:
    """Columns once each: everyone first, then banner by banner."""
    return sorted(set(groups), key=lambda group: (group != TOTAL, group))


def column_letters(groups: Sequence[Group]) -> list[str]:
    """The letter of each column, counted over the whole table; the column of everyone has none."""
    names, number = [], 0
    for group in groups:
        names.append("" if group == TOTAL else letter(number))
        number += group != TOTAL
    return names


def crosstabs(facts: Facts) -> list[Crosstab]:
    """Every question with a figure as a table, by wave in time order; means without shares are a table, too."""
    waves = {key_of(row): row for row in facts.waves}
    scores: dict[tuple[str, str, str], list[Row]] = {}
    for row in facts.scores:
        scores.setdefault((row["release"], row["question"], row["item"]), []).append(row)
    cells: dict[tuple[str, str, str], list[Row]] = {}
    for row in facts.estimates:
        cells.setdefault((row["release"], row["question"], row["item"]), []).append(row)
    found: list[Crosstab] = []
    for key in [*cells, *(one for one in scores if one not in cells)]:
        shares, means = cells.get(key, []), scores.get(key, [])
        release, name, item = key
        used = {row["category"] for row in shares}
        found.append(
            Crosstab(
                len(found) + 1,
                waves[key_of((shares or means)[0])],
                facts.questions.get((release, name), {"question": name, "wording": "", "item": item}),
                facts.items.get(item, {"item": item, "title": item}),
                [row for row in facts.categories.get(item, []) if row["category"] in used],
                {((row["subgroup"], row["subgroup_value"]), row["category"]): row for row in shares},
                _by_statistic(means),
            )
        )
    return found


def _by_statistic(means: Iterable[Row]) -> dict[str, dict[Group, Row]]:
    found: dict[str, dict[Group, Row]] = {}
    for row in means:
        found.setdefault(row["statistic"], {})[row["subgroup"], row["subgroup_value"]] = row
    return found

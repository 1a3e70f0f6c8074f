"""Where a file comes from, in words: citation, licence, database.

Belongs here: sentences that several formats carry. Does not belong here: citations of one figure (the macro `cite`).
"""

from assets.exports.reading import Facts
from assets.words import days
from warehouse.rows import Row

PROGRAM = "Weathervane"
QUOTED = "Figures and the words of questions may be quoted with their source."


def citation(facts: Facts, wave: Row) -> str:
    """How to cite the figures of a wave."""
    title = f"{wave['title']}. " if wave["title"] else ""
    parts = [
        f"Fieldwork {days(wave['fieldwork_start'], wave['fieldwork_end'])}",
        f"{wave['n']} interviews" if wave["n"] else "number of interviews not stated",
        wave["population"] or "population not stated",
        wave["mode"] or "mode not stated",
    ]
    return (
        f"{facts.house(wave)}, {facts.line(wave)}, wave {wave['wave']}. {title}{'; '.join(parts)}. "
        f"{'; '.join(sources(facts, wave)) or 'No address'}. {database(facts)}"
    )


def sources(facts: Facts, wave: Row) -> list[str]:
    """Addresses of a wave: those of its releases, then those of its figures."""
    own = [row["source_url"] for row in facts.of(wave)]
    of_figures = [
        row["source_url"]
        for row in facts.estimates
        if (row["organisation"], row["series"], row["wave"]) == (wave["organisation"], wave["series"], wave["wave"])
    ]
    return list(dict.fromkeys(filter(None, [*own, *of_figures])))


def database(facts: Facts) -> str:
    """Which database the figures are of."""
    return (
        f"Figures as in {PROGRAM}, refreshed {facts.about.get('refreshed_at', 'at an unknown time')}, "
        f"build {facts.about.get('build', 'unknown')}."
    )


def licence(release: Row) -> str:
    """The licence of a release's files, and what follows from it."""
    name = "unknown" if release["licence"] == "unknown" else release["licence"]
    passed = "they may be passed on" if release["redistribute"] else "they may not be passed on"
    return f"Licence of the files: {name}; {passed}. {QUOTED}"

"""Small seeded catalogues for tests and benchmarks: invented houses, invented figures, the real file layout."""

from __future__ import annotations

import random
from pathlib import Path

from warehouse.layout import Layout

ITEM = """item: {item}
concept: invented attitude
title: Invented question {item}
wording: Do you agree or disagree with {item}?
wording_kind: verbatim
categories:
  - {{id: agree, label: Agree}}
  - {{id: disagree, label: Disagree}}
  - {{id: dont_know, label: Hard to say, kind: dont_know}}
keywords: [invented, {item}]
"""
RELEASE = """organisation: {organisation}
series: {series}
wave: {wave}
title: Invented wave {wave}
vintage: {vintage}
fieldwork:
  start: {start}
  end: {end}
sample:
  n: {n}
  probability: yes
  design_effect: {{value: 1.2, basis: stated, reason: invented}}
method:
  population: invented adults
  mode: CATI
bases:
  - {{text: all respondents, n: sample}}
files:
  - path: toplines.csv
"""
TOPLINES = "question,wording,option,percent,base,published,source_url,confidence\n"
QUESTIONS = "question,item,wording,wording_kind,question_match,options_match,decision,reason,reviewed_by\n"
CATEGORIES = "question,option,category,kind\n"
OPTIONS = (
    ("yes, agree", "agree", "substantive"),
    ("no, disagree", "disagree", "substantive"),
    ("hard to say", "dont_know", "dont_know"),
)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def item(catalogue: Path, name: str = "invented") -> None:
    write(catalogue / "items" / f"{name}.yml", ITEM.format(item=name))


def series(catalogue: Path, organisation: str = "acme", name: str = "monthly") -> None:
    root = catalogue / "releases" / organisation
    write(root / "organisation.yml", f"organisation: {organisation}\nname: Institute {organisation}\n")
    write(root / name / "series.yml", f"series: {name}\nname: Series {name}\n")


def release(
    catalogue: Path,
    wave: str = "01",
    *,
    organisation: str = "acme",
    series_name: str = "monthly",
    items: tuple[str, ...] = ("invented",),
    percents: tuple[float, ...] = (40, 50, 10),
    n: int | str = 1000,
    year: int = 2024,
    month: int = 1,
    folder: str | None = None,
    vintage: str | None = None,
) -> Path:
    """One release with the same three percentages for every item; returns its folder."""
    place = catalogue / "releases" / organisation / series_name / (folder or wave)
    day = f"{year}-{month:02d}"
    write(
        place / "release.yml",
        RELEASE.format(
            organisation=organisation, series=series_name, wave=wave, vintage=vintage or f"{day}-28",
            start=f"{day}-01", end=f"{day}-10", n=n,
        ),
    )  # fmt: skip
    toplines, questions, categories = TOPLINES, QUESTIONS, CATEGORIES
    for number, name in enumerate(items):
        question = f"q{number}"
        questions += f"{question},{name},Do you agree with {name}?,verbatim,same,same,join,,tests\n"
        for (option, category, kind), percent in zip(OPTIONS, percents, strict=True):
            toplines += (
                f'{question},Do you agree with {name}?,"{option}",{percent:g},all respondents,{day}-28,'
                f"https://example.org/{wave},read_directly\n"
            )
            categories += f'{question},"{option}",{category},{kind}\n'
    write(place / "toplines.csv", toplines)
    write(place / "questions.csv", questions)
    write(place / "categories.csv", categories)
    return place


def many(catalogue: Path, count: int, *, per_series: int = 20, items_each: int = 8, seed: int = 1) -> None:
    """`count` small releases in series of `per_series` waves, each with `items_each` questions of three options."""
    chance = random.Random(seed)
    names = tuple(f"item-{number}" for number in range(items_each))
    for name in names:
        item(catalogue, name)
    for number in range(count):
        organisation, wave = f"house-{number // per_series}", number % per_series
        if wave == 0:
            series(catalogue, organisation)
        agree = chance.randint(20, 60)
        release(
            catalogue, f"{wave + 1:02d}", organisation=organisation, items=names,
            percents=(agree, 90 - agree, 10), n=chance.randint(400, 2000),
            year=2015 + wave // 12, month=wave % 12 + 1,
        )  # fmt: skip


def house(root: Path) -> Layout:
    """An empty house with its own catalogue."""
    return Layout(root / "data", root / "catalog").ensure()


def small_house(root: Path, waves: int = 3) -> Layout:
    """A house with one series of a few waves."""
    layout = house(root)
    item(layout.catalogue)
    series(layout.catalogue)
    for number in range(1, waves + 1):
        release(layout.catalogue, f"{number:02d}", percents=(40 + number, 50 - number, 10), month=number)
    return layout

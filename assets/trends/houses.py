"""Several houses that ask the same: one moving level, and how far each house lies from it.

Belongs here: the smoother, and the tables `house_lines` and `house_effects`. Does not belong here: figures of one house
(assets.trends.steps); houses are combined here only, and only where the catalogue says that they ask the same of the
same people.

The model: a figure is the level on its day, plus the effect of its house, plus an error whose standard error is that of
the figure. The level is a random walk in time; the effects of houses stay what they are and sum to 0, so the level is
the average of these houses and no more true than they are. Kalman filter with one figure at a time and Rauch, Tung and
Striebel's smoother (Durbin and Koopman 2012, Time Series Analysis by State Space Methods, ch. 4 and 6; Jackman 2005,
Australian Journal of Political Science 40, 499-517, for polls). Errors take the walk's variance as known.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow

from assets.trends.change import Z95
from assets.trends.comparability import same_words
from assets.trends.linear_trend import FEWEST, middle
from schemas.tables.comparisons import HOUSE_EFFECTS, HOUSE_LINES

Floats = npt.NDArray[np.float64]
HOUSE_SD = 5.0  # points: houses are expected within 10 of their average
SLOWEST, FASTEST = 1e-6, 1.0  # variance of the walk in squared points per day: up to 5.5 points in 30 days
_GRID = 25  # variances that are tried at once


@dataclass(frozen=True, eq=False)
class Smoothed:
    """A level on T days and the effects of H houses, given all figures.

    Attributes:
        level: (T,).
        level_error: (T,).
        effect: (H,), of sum 0.
        effect_error: (H,).
        log_likelihood: of the figures.
    """

    level: Floats
    level_error: Floats
    effect: Floats
    effect_error: Floats
    log_likelihood: float


def smooth(
    days: npt.ArrayLike,
    at: npt.ArrayLike,
    house: npt.ArrayLike,
    figures: npt.ArrayLike,
    errors: npt.ArrayLike,
    *,
    variance: float,
    house_sd: float = HOUSE_SD,
    start: tuple[float, float] = (50.0, 100.0),
) -> Smoothed:
    """The level and the effects, given the variance of the walk.

    Args:
        days: (T,) ascending, for which the level is wanted; figures or not.
        at: (n,) position in `days` of every figure.
        house: (n,) house of every figure, 0 to H - 1.
        figures: (n,).
        errors: (n,) their standard errors, above 0.
        variance: of the walk per unit of `days`, at least 0.
        house_sd: standard deviation of the effects before any figure is seen, above 0.
        start: mean and standard deviation of the level on the first day before any figure is seen.
    """
    t, y, r = (np.asarray(one, np.float64) for one in (days, figures, errors))
    place, who = np.asarray(at, np.intp), np.asarray(house, np.intp)
    effects = _effects(int(who.max()) + 1)  # of free directions, so that no covariance is singular
    steps = np.append(np.diff(t), 0.0) * variance
    of_day = [np.flatnonzero(place == day) for day in range(len(t))]
    mean = np.append(start[0], np.zeros(effects.shape[1]))
    spread = np.diag(np.append(start[1] ** 2, np.full(effects.shape[1], house_sd**2)))
    means, spreads, log_likelihood = [], [], 0.0
    for day, rows in enumerate(of_day):
        for row in rows:
            sight = np.append(1.0, effects[who[row]])
            gain = spread @ sight
            size = float(sight @ gain) + r[row] ** 2
            off = y[row] - float(sight @ mean)
            mean = mean + gain * (off / size)
            spread = spread - np.outer(gain, gain) / size
            log_likelihood -= 0.5 * (math.log(2 * math.pi * size) + off * off / size)
        means.append(mean)
        spreads.append(spread)
        spread = spread.copy()
        spread[0, 0] += steps[day]
    level, level_error = np.empty(len(t)), np.empty(len(t))
    after, spread_after = means[-1], spreads[-1]
    for day in range(len(t) - 1, -1, -1):
        if day < len(t) - 1:
            ahead = spreads[day].copy()
            ahead[0, 0] += steps[day]
            back = np.linalg.solve(ahead, spreads[day]).T
            after = means[day] + back @ (after - means[day])
            spread_after = spreads[day] + back @ (spread_after - ahead) @ back.T
        level[day], level_error[day] = after[0], math.sqrt(max(spread_after[0, 0], 0.0))
    of_houses = effects @ spreads[-1][1:, 1:] @ effects.T
    return Smoothed(
        level, level_error, effects @ means[-1][1:], np.sqrt(np.maximum(np.diag(of_houses), 0.0)), log_likelihood
    )


def log_likelihoods(
    days: npt.ArrayLike,
    at: npt.ArrayLike,
    house: npt.ArrayLike,
    figures: npt.ArrayLike,
    errors: npt.ArrayLike,
    *,
    variances: npt.ArrayLike,
    house_sd: float = HOUSE_SD,
    start: tuple[float, float] = (50.0, 100.0),
) -> Floats:
    """The log likelihood of the figures under several variances of the walk at once, (variances,); as `smooth`."""
    t, y, r, q = (np.asarray(one, np.float64) for one in (days, figures, errors, variances))
    place, who = np.asarray(at, np.intp), np.asarray(house, np.intp)
    sights = np.insert(_effects(int(who.max()) + 1), 0, 1.0, axis=1)
    width = sights.shape[1]
    mean = np.tile(np.append(start[0], np.zeros(width - 1)), (len(q), 1))
    spread = np.tile(np.diag(np.append(start[1] ** 2, np.full(width - 1, house_sd**2))), (len(q), 1, 1))
    out, today = np.zeros(len(q)), t[0]
    for row in np.argsort(place, kind="stable"):
        spread[:, 0, 0] += (t[place[row]] - today) * q
        today, sight = t[place[row]], sights[who[row]]
        gain = spread @ sight
        size = gain @ sight + r[row] ** 2
        off = y[row] - mean @ sight
        mean += gain * (off / size)[:, None]
        spread -= gain[:, :, None] * (gain / size[:, None])[:, None, :]
        out -= 0.5 * (np.log(2 * math.pi * size) + off * off / size)
    return out


def likeliest(likelihood: Callable[[Floats], Floats], low: float = SLOWEST, high: float = FASTEST) -> float:
    """Where the likelihood of the walk's variance is highest: a grid, and finer ones around its best point, on a log
    scale. `likelihood` takes several variances (n,) and gives as many values."""
    a, b = math.log(low), math.log(high)
    while True:
        grid = np.linspace(a, b, _GRID)
        best = int(np.argmax(likelihood(np.exp(grid))))
        a, b = grid[max(best - 1, 0)], grid[min(best + 1, _GRID - 1)]
        if b - a < 1e-4:
            return math.exp((a + b) / 2)


def _effects(houses: int) -> Floats:
    """(H, H - 1) orthonormal columns of sum 0: effects of variance 1 are these times as many free ones."""
    q, _ = np.linalg.qr(np.column_stack([np.ones(houses), np.eye(houses)[:, : houses - 1]]))
    free: Floats = q[:, 1:]
    return free


# --- tables ----------------------------------------------------------------------------------------------------------


Cell = tuple[str, str]  # item, category
House = tuple[str, str]  # organisation, series
Rows = Sequence[Mapping[str, Any]]


def tables(
    trends: Rows, asked: Callable[[Mapping[str, Any]], Mapping[str, Any]], estimates: Rows = ()
) -> tuple[pyarrow.Table, pyarrow.Table]:
    """The tables `house_lines` and `house_effects`.

    Args:
        trends: rows of `trends`.
        asked: for such a row: `question_match`, `options_match`, `form`, `base`, `population`, `reason`, `mode`.
        estimates: rows of `estimates`, for houses that have none in `trends`; they are told and never combined.

    Returns:
        Rows for items that two organisations or more ask of everyone; no rows for all others.
    """
    of_cell: dict[Cell, dict[House, list[Mapping[str, Any]]]] = {}
    for row in estimates:
        if row["subgroup"] == "total":
            of_cell.setdefault((row["item"], row["category"]), {})[row["organisation"], row["series"]] = []
    for row in trends:
        if row["subgroup"] == "total":
            lines = of_cell.setdefault((row["item"], row["category"]), {})
            lines.setdefault((row["organisation"], row["series"]), []).append(row)
    drawn: list[dict[str, Any]] = []
    effects: list[dict[str, Any]] = []
    for cell, lines in sorted(of_cell.items()):
        if len({organisation for organisation, _ in lines}) > 1:
            named = {"item": cell[0], "category": cell[1]}
            level, of_houses = _combined(dict(sorted(lines.items())), asked)
            drawn += [named | row for row in level]
            effects += [named | row for row in of_houses]
    return (
        pyarrow.Table.from_pylist(drawn, schema=HOUSE_LINES.arrow()),
        pyarrow.Table.from_pylist(effects, schema=HOUSE_EFFECTS.arrow()),
    )


def _combined(
    lines: Mapping[House, Rows], asked: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the level and of the houses, for one category of an item; a house without rows is in no line."""
    here = {house: _last_segment(rows) for house, rows in lines.items() if rows}
    refused, noted = _differences({house: [asked(row) for row in rows] for house, rows in here.items()})
    usable = {house: [row for row in rows if row["standard_error"]] for house, rows in here.items()}
    refused += _too_few(usable)
    level, effects = ([], []) if refused else _line(usable)
    found = dict(zip(usable, effects, strict=False))
    rows = []
    for house in lines:
        absent = [] if house in here else [f"{'/'.join(house)} is not in trends: not reviewed, excluded, or undated"]
        rows.append(
            {
                "organisation": house[0],
                "series": house[1],
                "figures": len(usable.get(house, ())),
                "combined": house in found,
                "reasons": absent or [*refused, *noted],
                **found.get(house, {}),
            }
        )
    return level, rows


def _last_segment(rows: Rows) -> list[Mapping[str, Any]]:
    """What comes after the last break of a house's own line: before it, the house has another effect."""
    last = max(row["segment"] for row in rows)
    return sorted((row for row in rows if row["segment"] == last), key=lambda row: row["position"])


def _differences(asked: Mapping[House, Rows]) -> tuple[list[str], list[str]]:
    """Why these houses are not combined; and what differs though they are."""
    refused, noted = [], []
    organisations = [organisation for organisation, _ in asked]
    for organisation in dict.fromkeys(organisations):
        if organisations.count(organisation) > 1:
            series = ", ".join(series for house, series in asked if house == organisation)
            refused.append(f"{organisation} asks it in several series, which are other samples: {series}")
    for house, questions in asked.items():
        name = "/".join(house)
        for question in questions:
            why = f": {question['reason']}" if question["reason"] else ""
            if question["question_match"] == "different":
                refused.append(f"another question in {name}{why}")
            elif question["question_match"] == "similar":
                noted.append(f"similar question in {name}{why}")
            if question["options_match"] == "different":
                refused.append(f"other options in {name}{why}")
            elif question["options_match"] != "same":
                noted.append(f"options changed in {name}{why}")
            if question["form"] == "version":
                refused.append(f"one of several wordings in {name}")
            if not question["population"]:
                refused.append(f"nobody says of whom {name} speaks")
    everyone = [(house, question) for house, questions in asked.items() for question in questions]
    first = everyone[0]
    for house, question in everyone[1:]:
        pair = f"{'/'.join(first[0])} and {'/'.join(house)}"
        if question["base"] != first[1]["base"]:
            refused.append(f"base: {first[1]['base']} and {question['base']} in {pair}")
        for key, found in (("population", refused), ("mode", noted)):
            one, two = first[1][key], question[key]
            if one and two and not same_words(one, two):
                found.append(f"{key}: {one!r} and {two!r} in {pair}")
    return list(dict.fromkeys(refused)), list(dict.fromkeys(noted))


def _too_few(usable: Mapping[House, Rows]) -> list[str]:
    if len({organisation for organisation, _ in usable}) < 2:
        return ["no other organisation's figures are in trends"]
    reasons = [f"no figure with a standard error from {'/'.join(house)}" for house, rows in usable.items() if not rows]
    total = sum(len(rows) for rows in usable.values())
    return reasons + ([f"{total} figures with a standard error, {FEWEST} are needed"] if total < FEWEST else [])


def _line(
    usable: Mapping[House, Rows],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the line, and the effect of every house in the order given."""
    found = [(middle(row), house, row) for house, rows in enumerate(usable.values()) for row in rows]
    days = sorted({day for day, _, _ in found})
    given = (
        days,
        [days.index(day) for day, _, _ in found],
        [house for _, house, _ in found],
        [row["percent"] for _, _, row in found],
        [row["standard_error"] for _, _, row in found],
    )
    variance = likeliest(lambda q: log_likelihoods(*given, variances=q))
    smoothed = smooth(*given, variance=variance)
    shared = {
        "drift": math.sqrt(30 * variance),
        "figures": len(found),
        "houses": ["/".join(house) for house in usable],
    }
    rows = {
        int(day): {
            "day": dt.date.fromordinal(int(day)),
            "level": float(level),
            "level_low": max(0.0, float(level - Z95 * error)),
            "level_high": min(100.0, float(level + Z95 * error)),
            "standard_error": float(error),
            **shared,
        }
        for day, level, error in zip(days, smoothed.level, smoothed.level_error, strict=True)
    }
    effects = [
        {"effect": float(e), "effect_low": float(e - Z95 * se), "effect_high": float(e + Z95 * se)}
        for e, se in zip(smoothed.effect, smoothed.effect_error, strict=True)
    ]
    return list(rows.values()), effects

"""How much of a change is another composition of the people asked, and how much happened within groups.

Belongs here: Kitagawa's two parts of a difference of means, directly standardised means, with the design's errors. Does
not belong here: which changes are split by what (assets.trends.splits), weights that make a sample like the population
(assets.estimates.weighting).

`parts` is what a refresh uses: two waves that share nobody, each known by its cells, many pairs at once. `kitagawa` is
of one design that has both waves, whatever they share.

Source: Kitagawa 1955, JASA 50, 1168-1194 (two components, the interaction shared equally); in R
`survey::svystandardize` for the standardised means. Groups explain nothing by themselves: the split is arithmetic.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.estimates.design.design import Codes, Design, DesignError, Floats, Mask
from assets.estimates.design.linear import Estimate, contrast, means, shares, together

PARTS = ("change", "composition", "within")


@dataclass(frozen=True, eq=False)
class Cells:
    """What B samples of one shape say: weights by group and option.

    Attributes:
        weight: (B, G, K) above 0 in every group.
        parts: (B, O, K) 1 where an output (a category, a net) unites an option, otherwise 0.
        covariance: (B, G K, G K) of the weights, or (B, G K) variances where every row is its own PSU of one stratum.
    """

    weight: Floats
    parts: Floats
    covariance: Floats

    @property
    def shares(self) -> Floats:
        """(B, G, 1) of the groups."""
        groups = self.weight.sum(axis=2, keepdims=True)
        return np.asarray(groups / groups.sum(axis=1, keepdims=True))

    @property
    def means(self) -> Floats:
        """(B, G, O) shares of the outputs in every group."""
        return np.asarray(self.weight @ self.parts.swapaxes(1, 2) / self.weight.sum(axis=2, keepdims=True))

    def variances(self, of_shares: Floats, of_means: Floats) -> Floats:
        """(B, O) variances of what has these slopes (B, G, O) in shares and means of the groups, linearised."""
        groups = self.weight.sum(axis=2, keepdims=True)
        middle = (of_shares * self.shares).sum(axis=1, keepdims=True)
        level = (of_shares - middle) / groups.sum(axis=1, keepdims=True) - of_means * self.means / groups
        step = (of_means / groups)[:, :, :, None] * self.parts[:, None, :, :]
        slopes = (level[:, :, :, None] + step).swapaxes(1, 2)  # (B, O, G, K)
        flat = slopes.reshape(*slopes.shape[:2], -1)
        if self.covariance.ndim == 2:
            return np.asarray((flat**2 @ self.covariance[:, :, None])[:, :, 0])
        return np.asarray(((flat @ self.covariance) * flat).sum(axis=2))


def parts(one: Cells, two: Cells) -> tuple[Floats, Floats]:
    """The means of the second samples minus those of the first, split, with errors; the samples share nobody.

    With s the share of a group and m its mean, composition is the sum of (s2 - s1)(m1 + m2) / 2, within the sum of
    (m2 - m1)(s1 + s2) / 2.

    Args:
        one: earlier waves.
        two: later waves, with the same groups and outputs; options may differ.

    Returns:
        Values and standard errors, (B, O, 3) in the order of `PARTS`, of 1.
    """
    s1, s2, m1, m2 = one.shares, two.shares, one.means, two.means
    more, level, rise, size = s2 - s1, (m1 + m2) / 2, m2 - m1, (s1 + s2) / 2
    composition, within = (more * level).sum(axis=1), (rise * size).sum(axis=1)
    half = np.broadcast_to(more / 2, level.shape)
    size = np.broadcast_to(size, level.shape)
    slopes = (  # of every part in the shares and the means of the first wave, then of the second
        (-level + rise / 2, half - size, level + rise / 2, half + size),
        (-level, half, level, half),
        (rise / 2, -size, rise / 2, size),
    )
    squares = [one.variances(*of[:2]) + two.variances(*of[2:]) for of in slopes]
    values = np.stack([composition + within, composition, within], axis=2)
    return values, np.sqrt(np.maximum(np.stack(squares, axis=2), 0.0))


@dataclass(frozen=True, eq=False)
class Split:
    """A change and its parts.

    Attributes:
        values: (3,) change, part of the composition, part within groups; the first is the sum of the others.
        covariance: (3, 3).
        composition: (groups,) part of each group in the composition.
        within: (groups,) part of each group within.
    """

    values: Floats
    covariance: Floats
    composition: Floats
    within: Floats

    @property
    def errors(self) -> Floats:
        """(3,) standard errors."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


def kitagawa(design: Design, values: npt.ArrayLike, groups: Codes, first: Mask, second: Mask) -> Split:
    """The mean of the second domain minus that of the first, split.

    With s the share of a group and m its mean, composition is the sum of (s2 - s1)(m1 + m2) / 2, within the sum of
    (m2 - m1)(s1 + s2) / 2.

    Args:
        design: a design that has both, such as two waves side by side.
        values: (n,) numbers, 0 and 1 for a share; nan is no answer.
        groups: (n,) group of every row, from 0; below 0 in none, which leaves the row out of all.
        first: (n,) mask of the earlier wave.
        second: (n,) mask of the later wave.

    Raises:
        DesignError: a group has nobody who answered in one of the waves; otherwise as for `linear.means`.
    """
    y = np.where(groups >= 0, np.asarray(values, np.float64), np.nan)
    count = int(groups.max()) + 1
    estimates: list[Estimate] = []
    for wave in (first, second):
        found = shares(design, np.where(np.isnan(y), -1, groups), count, wave)
        estimates += [] if found is None else [found]
        estimates += [_mean(design, y, wave & (groups == group), group) for group in range(count)]
    joint = together(design, estimates)
    s1, m1, s2, m2 = np.split(joint.values, 4)
    half = np.concatenate([-(m1 + m2), s2 - s1, m1 + m2, s2 - s1]) / 2  # slopes of the composition part
    inner = np.concatenate([m2 - m1, -(s1 + s2), m2 - m1, s1 + s2]) / 2  # and of the part within
    slopes = np.vstack([half + inner, half, inner])
    composition, within = (s2 - s1) * (m1 + m2) / 2, (m2 - m1) * (s1 + s2) / 2
    parts = np.array([composition.sum() + within.sum(), composition.sum(), within.sum()])
    return Split(parts, slopes @ joint.covariance @ slopes.T, composition, within)


def standardised(
    design: Design, values: npt.ArrayLike, groups: Codes, population: npt.ArrayLike, domains: list[Mask]
) -> Estimate:
    """Means of domains as they would be if each had the population's composition.

    Args:
        design: the full design.
        values: (n,) numbers; nan is no answer.
        groups: (n,) group of every row, from 0; below 0 in none.
        population: (groups,) shares of the population; they are scaled to sum to 1.
        domains: (n,) masks, such as waves.

    Returns:
        One value per domain, with covariances.

    Raises:
        DesignError: as for `kitagawa`.
    """
    y, share = np.asarray(values, np.float64), np.asarray(population, np.float64)
    cells = [_mean(design, y, domain & (groups == group), group) for domain in domains for group in range(len(share))]
    return contrast(together(design, cells), np.kron(np.eye(len(domains)), share / share.sum()))


def _mean(design: Design, y: Floats, domain: Mask, group: int) -> Estimate:
    found = means(design, y, domain)
    if found is None:
        raise DesignError(f"group {group} has nobody who answered in one of the waves: merge groups")
    return found

"""Estimators of survey statistics from respondents' rows, equal to R's `survey` package.

Belongs here: the design of a sample, totals, means, shares and ratios with their errors, replicate weights, intervals
of shares, quantiles, tests and calibrated weights, as plain functions of numpy arrays. Does not belong here: reading
respondents' files (responses), published figures (`..published`), comparing waves (trends), storing anything.

Nothing in the pipeline calls this package today; its tests are its only caller. What it computes, where it differs
from R on purpose and how closely it agrees is in docs/statistics.md.
"""

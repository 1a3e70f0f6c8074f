"""Estimators of survey statistics from respondents' rows, equal to R's `survey` package.

Belongs here: the design of a sample, totals, means, shares and ratios with their errors, replicate weights, intervals
of shares, quantiles, tests and calibrated weights, as plain functions of numpy arrays. Does not belong here: reading
respondents' files (responses), published figures (`..published`), comparing waves (trends), storing anything.

Estimates of whole releases are made by `..engine`, which uses intervals, residuals and distributions from here and must
agree with the rest. What is computed, where it differs from R on purpose and how closely it agrees is in
docs/statistics.md.
"""

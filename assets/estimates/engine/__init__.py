"""Estimates of a whole release at once: every question, category and net in every column of every banner.

Belongs here: the coded form of a harmonised sample, sums and variances of all cells in sweeps over its rows, and their
margins as columns of tables. Does not belong here: estimators of one figure at a time (`..design`, which this package
must agree with), harmonising answers (assets.questions), what a figure depends on (`..dependence`).
"""

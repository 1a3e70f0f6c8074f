"""Estimates: shares with their errors.

Belongs here: standard errors and intervals, effective sizes, ids of estimates, and the history of their values. Does
not belong here: deciding what a figure is of (questions), comparing waves (trends).
"""

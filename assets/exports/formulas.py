"""Texts that a spreadsheet would run as a formula.

Belongs here: which they are. Does not belong here: what a format does about it (assets.exports.styles, tabular).
"""

RISKY = ("=", "+", "-", "@", "\t", "\r")  # with these a text becomes a formula in some spreadsheet

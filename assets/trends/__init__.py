"""Trends: estimates of reviewed questions in time order, and which steps between them may be joined.

Belongs here: order, predecessor, comparability of a step, change and its test. Does not belong here: the estimates
themselves, prose about them. Houses are never merged into one line.
"""

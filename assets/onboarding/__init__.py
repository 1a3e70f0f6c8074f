"""Onboarding: what a new wave's file has in common with the wave before it, as a draft that a person reviews.

Belongs here: comparing a file with the crosswalk of the previous wave, and writing down what was found. Does not belong
here: deciding anything (a draft has no reviewer), loading (a refresh does), printing for the terminal (pipeline.cli).
"""

"""Claims: press sentences that quote a survey, held against the figures.

Belongs here: which figures a sentence can mean, whether they bear it out, what to say of it, and the reading of a free
sentence. Does not belong here: the claims themselves (catalog/claims), computing a figure or a change (estimates,
trends). Whether something is true of the world is nobody's business here, only whether the survey says so.
"""

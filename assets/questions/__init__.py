"""Questions: applying the crosswalk. Same question? Same options? Which option is which category?

Belongs here: joining figures with `questions.csv`, `categories.csv`, the bases of the manifest and the items, and
every check across those files. Does not belong here: reading files (toplines), arithmetic (estimates).
"""

"""Questions: applying the crosswalk. Same question? Same options? Which option or code is which category?

Belongs here: joining published figures and respondents' answers with `questions.csv`, `categories.csv`, the bases and
the block `respondents` of the manifest and the items, and every check across those files. Does not belong here: reading
files (toplines, responses), arithmetic (estimates).
"""

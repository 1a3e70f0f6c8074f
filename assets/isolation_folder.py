"""The folder of one child: what it wrote, how large that is, and moving it out of the child's reach.

Belongs here: looking at and moving files that a child made, without opening any. Does not belong here: when to look and
what follows (assets.isolation, assets.isolation_child), or what the child may do (assets.isolation_worker).
"""

import contextlib
import shutil
import stat
import tempfile
from pathlib import Path

PREFIX = "reading-"  # folders of this name that a killed parent left may be removed by the next


class Folder:
    """A new folder beneath `scratch` for the files of one child."""

    def __init__(self, scratch: Path) -> None:
        """Make the folder; only this user can look into it."""
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=scratch.resolve()))

    def files(self) -> list[Path]:
        """What lies in it; nothing once it is removed."""
        try:
            return sorted(self.path.iterdir())
        except OSError:
            return []

    def size(self) -> int:
        """Bytes of all files together."""
        total = 0
        for file in self.files():
            with contextlib.suppress(OSError):  # removed meanwhile
                total += file.lstat().st_size
        return total

    def is_plain(self) -> bool:
        """Whether there is nothing but plain files."""
        return all(map(plain, self.files()))

    def move(self, target: Path) -> None:
        """Make `target`, which must not be there, and move the files into it."""
        target.mkdir(parents=True)
        for file in self.files():
            file.rename(target / file.name)

    def clear(self) -> bool:
        """Remove the files; False if something is left, a folder say."""
        for file in self.files():
            with contextlib.suppress(OSError):
                file.unlink()
        return not self.files()

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def plain(file: Path) -> bool:
    """Whether it is a file of its own: no link, no pipe, and no second name for something else."""
    facts = file.lstat()
    return stat.S_ISREG(facts.st_mode) and facts.st_nlink == 1

"""What a parser's complaint means: which cause, in whose words.

Belongs here: the translation of exceptions of pyreadstat into problems. Does not belong here: crashes, time and memory,
which the parent sees from outside (assets.isolation).
"""

import contextlib
from collections.abc import Iterator

from pyreadstat import PyreadstatError, ReadstatError

from assets.responses.detect import refuse
from assets.responses.spss_header import Header
from schemas.codebook import FileFormat
from schemas.problems import shorten

_WORDS = (
    ("unable to read from file", "truncated", "the file ends before its data do"),
    ("row count", "truncated", "the file has fewer rows than it says"),
    ("convert string", "encoding", "text that does not fit the file's encoding"),
    ("unsupported character set", "unsupported", "an encoding that no reader knows"),
    ("version of the file format is not supported", "unsupported", "a version of the format that no reader knows"),
    ("unsupported compression", "unsupported", "a compression that no reader knows"),
    ("unable to allocate", "too_large", "the file says that it needs more memory than there is"),
)


@contextlib.contextmanager
def explained(path: str, file: str, kind: FileFormat, header: Header | None) -> Iterator[None]:
    """Turn what pyreadstat raises inside the block into a `ProblemsError` with a cause."""
    try:
        yield
    except (ReadstatError, PyreadstatError) as bad:
        said = str(bad)
        for words, cause, what in _WORDS:
            if words in said.lower():
                raise refuse(cause, file, what, value=shorten(said), expected="a whole file") from None
        if header is not None and header.compression == 1 and header.cases and _first_row_is_there(path):
            # Data compressed by code have no structure that could break but their end.
            what = f"the data end before row {header.cases:,}"
            raise refuse("truncated", file, what, value=shorten(said), expected="a whole file") from None
        raise refuse("corrupt", file, "the file cannot be read", value=shorten(said), expected="a whole file") from None
    except UnicodeDecodeError as bad:
        what = "text that does not fit the file's encoding"
        raise refuse(
            "encoding", file, what, value=shorten(bad), expected="the encoding named in the manifest"
        ) from None


def _first_row_is_there(path: str) -> bool:
    import pyreadstat

    try:
        pyreadstat.read_sav(path, row_limit=1, disable_datetime_conversion=True, output_format="dict")
    except Exception:  # the first complaint is the one that counts
        return False
    return True

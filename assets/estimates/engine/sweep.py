"""Over coded answers: the design, the columns of all banners, and the sums of every question.

Belongs here: which columns of the file make which sums, question by question so that memory stays bounded. Does not
belong here: the sums themselves (`.sums` chooses them), rows of tables (`.tables`).
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from assets.estimates.engine.coded import Answers, Array, Header, Question
from assets.estimates.engine.frame import Frame, frame
from assets.estimates.engine.moments import Banners, Means, Shares, banners_of
from assets.estimates.engine.sums import COMPILED_FROM, MOST_THREADS, Sums, sums_for

BLOCK = 256 << 20  # bytes of answers in memory at once, beside weight, design and banners


@dataclass(frozen=True, eq=False)
class Counted:
    """The sums of one question: of its shares (D, O), categories before nets, and of its mean (D,); None without."""

    question: Question
    shares: Shares | None
    means: Means | None


def counted(
    answers: Answers, drawn: Frame, compiled_from: int = COMPILED_FROM, most_threads: int = MOST_THREADS
) -> Iterator[Counted]:
    """Sums of every question over the columns of all banners, the total first, in the header's order.

    Args:
        answers: coded.
        drawn: their design, see `frame_of`.
        compiled_from: see `.sums`.
        most_threads: questions at once; what comes out is the same with any number.
    """
    header = answers.header
    banners = _banners(answers, drawn)
    sums, threads = sums_for(banners, sum(_columns_of(one) for one in header.questions), compiled_from)
    threads = min(threads, most_threads)
    with ThreadPoolExecutor(threads) as pool:
        for block in _blocks(answers):
            arrays = answers.columns(name for one in block for name in _names(one))
            jobs = [(banners, one, arrays, sums) for one in block]
            yield from pool.map(_count, jobs) if threads > 1 else map(_count, jobs)


def frame_of(answers: Answers) -> Frame:
    """The design, with what was done to the weights and with replicate weights, where there are any.

    Raises:
        ValueError: the rows are not in the order of strata and PSUs, or a PSU lies in two strata.
    """
    drawn = drawn_of(answers)
    if answers.header.replicates is not None:
        from assets.estimates.engine.replicated import replicates

        return replace(drawn, replicates=replicates(drawn, answers.header.replicates, answers))
    made = answers.header.calibration
    if made is None:
        return drawn
    from assets.estimates.engine.calibrated import adjustment

    arrays = answers.columns([made.before, made.after, *(one.column for one in made.targets)])
    targets = [(arrays[one.column], len(one.names)) for one in made.targets]
    return replace(drawn, adjustments=(adjustment(targets, arrays[made.before], arrays[made.after], made.rake),))


def drawn_of(answers: Answers) -> Frame:
    """The design alone: weights as they are, strata, PSUs, their population.

    Raises:
        ValueError: see `frame_of`.
    """
    found = answers.columns(name for name in ("weight", "stratum", "psu", "population") if name in answers.names)
    population = found.get("population")
    return frame(found["weight"], found.get("stratum"), found.get("psu"), answers.header.lonely, population=population)


def _banners(answers: Answers, drawn: Frame) -> Banners:
    def members() -> Iterator[Array]:
        yield np.zeros(drawn.rows, np.int16)
        yield from (answers.columns([one.column])[one.column] for one in answers.header.banners)

    return banners_of(drawn, members(), sizes(answers.header))


def sizes(header: Header) -> list[int]:
    """Numbers of columns: one for everyone, then those of every banner."""
    return [1, *(len(one.values) for one in header.banners)]


def _names(question: Question) -> list[str]:
    return [name for name in (question.column, *question.columns, question.scores) if name is not None]


def _columns_of(question: Question) -> int:
    """Sweeps that a question takes."""
    return len(_names(question)) + len(question.columns) * len(question.nets)


def _blocks(answers: Answers) -> Iterator[list[Question]]:
    """Questions whose columns fit into memory together."""
    block: list[Question] = []
    size = 0
    for one in answers.header.questions:
        own = answers.rows * (2 * bool(one.column) + len(one.columns) + 8 * bool(one.scores))
        if block and size + own > BLOCK:
            yield block
            block, size = [], 0
        block.append(one)
        size += own
    if block:
        yield block


def _count(job: tuple[Banners, Question, dict[str, Array], Sums]) -> Counted:
    banners, question, arrays, sums = job
    means = None if question.scores is None else sums.mean_sums(banners, arrays[question.scores])
    return Counted(question, _shares(banners, question, arrays, sums), means)


def _shares(banners: Banners, question: Question, arrays: dict[str, Array], sums: Sums) -> Shares | None:
    """Shares of categories, then nets; None for an index."""
    several = [[question.categories.index(part) for part in of] for of in question.nets.values()]
    if question.column is not None:
        codes, known = arrays[question.column], len(question.categories)
        options = max(known, int(codes.max(initial=0)) + 1)  # one more for those who are in the base with none of them
        parts = np.eye(options, dtype=np.bool_)
        united = np.zeros((len(several), options), np.bool_)
        for at, of in enumerate(several):
            united[at, of] = True
        found = sums.share_sums(banners, codes, options, np.vstack([parts, united]))
        return _taken(found, [*range(known), *range(options, options + len(several))])
    if not question.columns:
        return None
    ticks = [arrays[name] for name in question.columns]
    chosen = ticks + [np.max([ticks[at] for at in of], axis=0) for of in several]
    parts = np.eye(2, dtype=np.bool_)
    each = [_taken(sums.share_sums(banners, one.astype(np.int16), 2, parts), [1]) for one in chosen]
    side = {name: np.hstack([getattr(one, name) for one in each]) for name in ("share", "rest", "variance")}
    return Shares(each[0].base, **side)


def _taken(found: Shares, outputs: Sequence[int]) -> Shares:
    return Shares(found.base, found.share[:, outputs], found.rest[:, outputs], found.variance[:, outputs])

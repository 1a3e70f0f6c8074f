"""In which encoding a text is, and the refusal to read it in a wrong one.

Belongs here: strict decoding with the place of the first wrong byte, the guess for the person, and the two ways in
which text comes out wrong without an error: an undeclared old encoding read as another, and text encoded twice. Does
not belong here: anything about tables.

A guess is used only where the file gives nothing to go by and the guess is sure; otherwise it is told and the file
refused. A wrong encoding turns every label into nonsense that no later check can mend. Sure means: an alphabet of its
own (its letters stand side by side, accented Latin letters stand alone), of which chardet was right on every sample of
five Cyrillic encodings; between the Latin ones it is not, so they are always asked for.
"""

import codecs
import re
from collections.abc import Iterable
from pathlib import Path

from assets.responses.detect import refuse
from schemas.codebook import EncodingBasis
from schemas.problems import Problem, ProblemsError

SURE = 0.3  # as chardet 7 counts: Cyrillic of 200 letters and more has 0.32 to 0.43, a line or two of it less
_SAMPLE = 1 << 20
_BLOCK = 4 << 20
_TWICE = re.compile(r"(?:[\u00c2-\u00f4][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
                    r"\u2013\u2014\u2018-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122]+)+")  # fmt: skip


def of_text_file(path: str, file: str, wanted: str | None) -> tuple[str, EncodingBasis]:
    """The encoding of a text file, every byte of which has been decoded by it.

    Args:
        path: where the file is.
        file: what the person calls it.
        wanted: what the manifest says.

    Returns:
        A Python codec and how it was found.

    Raises:
        ProblemsError: no encoding is sure, or a byte does not fit the one that is named.
    """
    with Path(path).open("rb") as stream:
        head = stream.read(4)
    if wanted is not None:
        _check_name(wanted, file)
        _decode_all(path, file, wanted, "the manifest says")
        return wanted, "manifest"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _decode_all(path, file, "utf-16", "its mark says")
        return "utf-16", "declared"
    if head.startswith(codecs.BOM_UTF8):
        _decode_all(path, file, "utf-8-sig", "its mark says")
        return "utf-8-sig", "declared"
    if _first_wrong_byte(path, "utf-8") is None:
        return "utf-8", "detected"
    guess, confidence = _guess(_around_high_bytes(path))
    own = _is_alphabet_of_its_own(_around_high_bytes(path))
    if guess is None or not own or confidence < SURE or _first_wrong_byte(path, guess) is not None:
        raise _refusal(path, file, "utf-8", "it has to be if it says nothing else", guess)
    return guess, "detected"


def _check_name(name: str, file: str) -> None:
    try:
        codecs.lookup(name)
    except LookupError:
        raise refuse("manifest", file, "no such encoding", value=name, expected="utf-8, windows-1251, …") from None


def _decode_all(path: str, file: str, encoding: str, says: str) -> None:
    if _first_wrong_byte(path, encoding) is not None:
        raise _refusal(path, file, encoding, says, None)


def _first_wrong_byte(path: str, encoding: str) -> int | None:
    """Offset of the first byte that does not decode, near enough to find its line; None if all do."""
    decoder = codecs.getincrementaldecoder(encoding)()
    at = 0
    with Path(path).open("rb") as stream:
        try:
            while chunk := stream.read(_BLOCK):
                decoder.decode(chunk)
                at += len(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as bad:
            # what the decoder had kept from the chunk before stands in front of the chunk
            return max(0, at - (len(bad.object) - len(chunk)) + bad.start)
    return None


def _refusal(path: str, file: str, encoding: str, says: str, guess: str | None) -> ProblemsError:
    at = _first_wrong_byte(path, encoding) or 0
    line = 1
    with Path(path).open("rb") as stream:
        left = at
        while left > 0 and (chunk := stream.read(min(left, _BLOCK))):
            line += chunk.count(b"\n")
            left -= len(chunk)
        stream.seek(max(0, at - 20) if line == 1 else at)
        shown = stream.read(60)
    if guess is None:
        guess = _guess(_around_high_bytes(path))[0]
    # Names of variables may be shown; from the second line on it would be what a respondent said.
    value = shown.decode(guess or "latin-1", "replace").splitlines()[0].strip() if line == 1 else None
    hint = f" (perhaps {guess}: if that is right, name it in the manifest)" if guess else ""
    what = f"a byte is not {encoding}, as {says}"
    return refuse("encoding", file, what, row=line, value=value, expected=f"one known encoding{hint}", nearest=guess)


def _around_high_bytes(path: str) -> bytes:
    """The parts of a text that tell: lines with bytes beyond ASCII, up to a megabyte of them."""
    found = bytearray()
    with Path(path).open("rb") as stream:
        for line in stream:
            if not line.isascii():
                found += line[:10_000]
                if len(found) > _SAMPLE:
                    break
    return bytes(found)


def _guess(sample: bytes) -> tuple[str | None, float]:
    import chardet  # imported here: only text that is not UTF-8 pays for it

    found = chardet.detect(sample)
    name, confidence = found.get("encoding"), float(found.get("confidence") or 0.0)
    if not name:
        return None, 0.0
    try:
        codecs.lookup(name)
        sample.decode(name)
    except (LookupError, UnicodeDecodeError):
        return None, 0.0
    return str(name).lower(), confidence


def _is_alphabet_of_its_own(sample: bytes) -> bool:
    """Whether most letters beyond ASCII stand beside others of their kind."""
    high = sum(byte >= 0x80 for byte in sample)
    return 2 * sum(map(len, re.findall(rb"[\x80-\xff]{3,}", sample))) > high


def check_words(
    words: Iterable[str], file: str, encoding: str, basis: EncodingBasis, cells: Iterable[str] = ()
) -> list[Problem]:
    """Refuse names and labels that came out wrong; warn where the encoding was only assumed.

    Args:
        words: names and labels, as read.
        file: what the person calls the file.
        encoding: in which they were read.
        basis: how that was known.
        cells: answers, which are looked at and never shown.

    Returns:
        Warnings.

    Raises:
        ProblemsError: the words were encoded twice, or an assumed encoding is not theirs.
    """
    foreign = [word for word in words if not word.isascii()]
    if any(once_more(cell) is not None for cell in cells if not cell.isascii()):
        raise refuse("encoding", file, "answers that were encoded twice", expected="the file exported again")
    if not foreign:
        return []
    for word in foreign:
        undone = once_more(word)
        if undone is not None:
            raise refuse("encoding", file, "text that was encoded twice", value=word, nearest=undone,
                         expected="the text itself: export the file again")  # fmt: skip
    if basis != "assumed":
        return []
    raw = "\n".join(foreign).encode(encoding, "replace")
    guess, _ = _guess(raw)
    same = guess is not None and raw.decode(guess, "replace") == raw.decode(encoding, "replace")
    example = max(foreign, key=lambda word: sum(letter > "\x7f" for letter in word))
    if guess is not None and not same and _is_alphabet_of_its_own(raw):
        shown = example.encode(encoding, "replace").decode(guess, "replace")
        raise refuse("encoding", file, f"the file does not say its encoding, and it is not {encoding}", value=example,
                     expected="the encoding named in the manifest", nearest=f"{guess}: {shown}")  # fmt: skip
    what = f"the file does not say its encoding and was read as {encoding}"
    return [Problem("encoding", file, what, value=example, expected="letters as they should be", severity="warning")]


def once_more(text: str) -> str | None:
    """The text as it was before it was encoded a second time; None if it was encoded once, as it should be."""
    if not _TWICE.search(text):
        return None
    for encoding in ("latin-1", "cp1252"):
        try:
            undone = text.encode(encoding).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        if undone != text:
            return undone
    return None

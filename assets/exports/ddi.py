"""A wave as a DDI codebook, the description that data archives keep.

Belongs here: which element says what. Does not belong here: what may leave (`.gates`), data (DDI describes them).

Source of the format: DDI-Codebook 2.5 (ddialliance.org/Specification/DDI-Codebook/2.5), namespace `ddi:codebook:2_5`.
The eleven disclosure items stand where DDI has an element for them, and all together in notes of the study, gaps named.
A variable has the categories of its item with their published or weighted percentages. If the codebook of the file may
leave, it has the codes of the file with unweighted counts, and the categories are groups of codes.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from assets.exports.citing import PROGRAM, citation, database, licence, sources
from assets.exports.crosstabs import Crosstab, crosstabs
from assets.exports.reading import TOTAL, Facts
from assets.words import days, disclosure, flags
from warehouse.rows import Row

NAMESPACE = "ddi:codebook:2_5"
SCHEMA = "https://www.ddialliance.org/Specification/DDI-Codebook/2.5/XMLSchema/codebook.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # by XML 1.0
_MISSING = ("not_asked", "system")
# Files that people write about a release; what is left are its figures or its respondents' answers.
WRITTEN = ("release.yml", "questions.csv", "categories.csv", "published.csv")
_NOT_STATED = "Not stated by the house."


def codebook(facts: Facts, codes: Sequence[Row]) -> bytes:
    """The codebook of a wave.

    Args:
        facts: of a wave.
        codes: rows of `codes` that may leave (`.reading.codes`).
    """
    wave = facts.waves[0]
    root = Element("codeBook", {"xmlns": NAMESPACE, "version": "2.5", "xmlns:xsi": _XSI,
                                "xsi:schemaLocation": f"{NAMESPACE} {SCHEMA}"})  # fmt: skip
    _document(root, facts, wave)
    _study(root, facts, wave)
    files = _files(root, facts, wave)
    data = SubElement(root, "dataDscr")
    of_question: dict[tuple[str, str], list[Row]] = {}
    for row in codes:
        of_question.setdefault((row["release"], row["question"]), []).append(row)
    for table in crosstabs(facts):
        key = (table.question.get("release", ""), table.question["question"])
        _variable(data, table, of_question.get(key, []), files.get(key[0]))
    ElementTree.indent(root)
    told: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return told + b"\n"


def _add(parent: Element, tag: str, text: object = None, **attributes: object) -> Element:
    """A child; attributes that are None are left out."""
    told = {name: _clean(value) for name, value in attributes.items() if value is not None}
    child = SubElement(parent, tag, told)
    if text is not None:
        child.text = _clean(text)
    return child


def _clean(value: object) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(value))


def _title(facts: Facts, wave: Row) -> str:
    return f"{facts.house(wave)}, {wave['title'] or facts.line(wave)}, wave {wave['wave']}"


def _document(root: Element, facts: Facts, wave: Row) -> None:
    cited = _add(_add(root, "docDscr"), "citation")
    _add(_add(cited, "titlStmt"), "titl", f"Codebook of {_title(facts, wave)}")
    made = _add(cited, "prodStmt")
    _add(made, "producer", PROGRAM)
    when = facts.about.get("refreshed_at", "")[:10]
    _add(made, "prodDate", when, date=when or None)
    _add(_add(cited, "verStmt"), "version", database(facts))


def _study(root: Element, facts: Facts, wave: Row) -> None:
    study = _add(root, "stdyDscr")
    cited = _add(study, "citation")
    named = _add(cited, "titlStmt")
    _add(named, "titl", _title(facts, wave))
    _add(named, "IDNo", facts.subject, agency=PROGRAM)
    _add(_add(cited, "rspStmt"), "AuthEnty", facts.house(wave))
    _add(_add(cited, "prodStmt"), "producer", facts.house(wave))
    _add(_add(cited, "serStmt"), "serName", facts.line(wave))
    for release in facts.of(wave):
        when = release["vintage"] if release["vintage"][:1].isdigit() else None
        text = f"{release['vintage']} ({release['status']}), load {release['load_vintage']}"
        _add(_add(cited, "verStmt"), "version", text, date=when)
    _add(cited, "biblCit", citation(facts, wave))
    for address in sources(facts, wave):
        _add(cited, "holdings", address, URI=address)
    _information(study, facts, wave)
    _method(study, facts, wave)
    _access(study, facts, wave)


def _information(study: Element, facts: Facts, wave: Row) -> None:
    about = _add(study, "stdyInfo")
    subject = _add(about, "subject")
    for concept in sorted({item["concept"] for item in facts.items.values()}):
        _add(subject, "topcClas", concept)
    if wave["note"]:
        _add(about, "abstract", wave["note"])
    summary = _add(about, "sumDscr")
    for event, name in (("start", "fieldwork_start"), ("end", "fieldwork_end")):
        if wave[name] is not None:
            _add(summary, "collDate", wave[name].isoformat(), date=wave[name].isoformat(), event=event)
    _add(summary, "anlyUnit", "person")
    if wave["population"]:
        _add(summary, "universe", wave["population"])
    _add(summary, "dataKind", "survey data")
    for item in disclosure(wave):
        text = _NOT_STATED if item["missing"] else item["text"]
        _add(about, "notes", text, type="disclosure", subject=f"{item['number']}. {item['name']}")


def _method(study: Element, facts: Facts, wave: Row) -> None:
    told = {item["number"]: None if item["missing"] else item["text"] for item in disclosure(wave)}
    method = _add(study, "method")
    asked = _add(method, "dataColl")
    _add(asked, "dataCollector", facts.house(wave))
    for tag, text in (
        ("sampProc", told[5]),
        ("collMode", told[6]),
        ("resInstru", told[3]),
        ("weight", told[9]),
        ("cleanOps", told[10]),
    ):
        if text:
            _add(asked, tag, text)
    analysis = _add(method, "anlyInfo")
    if told[8]:
        _add(analysis, "EstSmpErr", told[8])
    if told[11]:
        _add(analysis, "dataAppr", told[11])


def _access(study: Element, facts: Facts, wave: Row) -> None:
    access = _add(study, "dataAccs")
    available = _add(access, "setAvail")
    for address in sources(facts, wave):
        _add(available, "accsPlac", address, URI=address)
    use = _add(access, "useStmt")
    _add(use, "citReq", citation(facts, wave))
    _add(use, "conditions", " ".join(dict.fromkeys(licence(release) for release in facts.of(wave))))


def _files(root: Element, facts: Facts, wave: Row) -> dict[str, str]:
    """The files of figures or answers of the wave's releases; the id of the first of each release."""
    found: dict[str, str] = {}
    for release in facts.of(wave):
        weights = facts.weights.get(release["release"])
        for file in release["files"]:
            digest, _, name = file.partition("  ")
            if name in WRITTEN:
                continue
            own = f"F{len(root.findall('fileDscr')) + 1}"
            file_ = _add(root, "fileDscr", ID=own)
            text = _add(file_, "fileTxt")
            found.setdefault(release["release"], own)
            _add(text, "fileName", name)
            if weights:
                _add(_add(text, "dimensns"), "caseQnty", weights["rows"])
            # dataFingerprint, made for this, is missing from the first publication of 2.5.
            _add(file_, "notes", digest, type="checksum", subject="sha256")
    return found


def _variable(data: Element, table: Crosstab, codes: list[Row], file: str | None) -> None:
    own = f"V{table.number}"
    name = table.question.get("variable") or table.question["question"]
    var = _add(data, "var", ID=own, name=name, files=file, intrvl="discrete", representationType="code")
    _add(var, "labl", table.item["title"])
    asked = _add(var, "qstn", ID=f"{own}_Q")
    _add(asked, "qstnLit", table.question.get("wording") or _NOT_STATED)
    cells = {category: cell for (group, category), cell in table.cells.items() if group == TOTAL}
    first = next(iter(cells.values()), None)
    if first is not None:
        _add(var, "universe", first["base"])
        _sizes(var, table)
    if codes:
        _grouped(var, own, table, cells, codes)
    else:
        for number, category in enumerate(table.categories, start=1):
            one = _add(var, "catgry", ID=f"{own}_C{number}", missing="Y" if category["kind"] in _MISSING else "N")
            _add(one, "catValu", category["category"])
            _add(one, "labl", category["label"])
            _percent(one, cells.get(category["category"]))
    _add(var, "concept", table.item.get("concept") or table.item["item"], vocab="concepts of the catalogue")
    told = sorted({flag for cell in cells.values() for flag in cell["flags"]})
    when = days(table.wave["fieldwork_start"], table.wave["fieldwork_end"])
    _add(var, "notes", "; ".join([f"Question {table.question['question']}, item {table.item['item']}, {when}",
                                  *flags(told)]))  # fmt: skip


def _sizes(var: Element, table: Crosstab) -> None:
    n, weighted = table.base(TOTAL, "n"), table.base(TOTAL, "weighted_n")
    if n is not None:
        _add(var, "sumStat", f"{n:.0f}", type="vald", wgtd="not-wgtd")
    if weighted is not None:
        _add(var, "sumStat", repr(weighted), type="vald", wgtd="wgtd")
    for statistic, of in table.scores.items():
        score = of.get(TOTAL)
        if statistic == "mean" and score is not None and score["value"] is not None:
            _add(var, "sumStat", repr(score["value"]), type="mean", wgtd="wgtd")


def _grouped(var: Element, own: str, table: Crosstab, cells: dict[str, Row], codes: list[Row]) -> None:
    """Codes of the file with unweighted counts, and the item's categories as groups of them."""
    places = {row["code"]: f"{own}_K{number}" for number, row in enumerate(codes, start=1)}
    for number, category in enumerate(table.categories, start=1):
        wanted = category.get("parts") or [category["category"]]
        members = " ".join(places[row["code"]] for row in codes if row["category"] in wanted)
        group = _add(var, "catgryGrp", ID=f"{own}_C{number}", catgry=members or None)
        _add(group, "labl", category["label"])
        _percent(group, cells.get(category["category"]))
    for row in codes:
        one = _add(var, "catgry", ID=places[row["code"]], missing="N" if row["in_base"] else "Y")
        _add(one, "catValu", row["code"])
        _add(one, "labl", row["label"] or row["category"] or row["code"])
        _add(one, "catStat", row["n"], type="freq", wgtd="not-wgtd")


def _percent(parent: Element, cell: Row | None) -> None:
    """The share of a category; hidden and inexact ones are left out, the notes have the flags."""
    if cell is None or cell["percent"] is None or cell["qualifier"] != "exact" or "suppressed" in cell["flags"]:
        return
    weighted = cell["basis"] == "published" or "unweighted" not in cell["flags"]
    _add(parent, "catStat", repr(cell["percent"]), type="percent", wgtd="wgtd" if weighted else "not-wgtd")

"""Every difficult and every real file of `../shared`, read in children as a run reads them: the right table or a cause.

The tables are literal, so that a change of outcome is seen in a review. `docs/files.md` shows the first of them to
people; the last test holds the two together.
"""

import re

import pyarrow.parquet as pq
import pytest

from assets.responses import rows_fast
from assets.responses.read import read
from assets.responses.running import Reading, read_all
from schemas.codebook import Codebook
from warehouse.layout import PROJECT

pytestmark = pytest.mark.shared

NASTY = {
    "foreign/electric.sav": "sav 240 x 13",
    "foreign/horticulture.sav": "sav 90 x 2",
    "foreign/hotel.sav": "sav 17 x 5",
    "foreign/personnel.sav": "sav 56 x 6",
    "foreign/physiology.sav": "sav 40 x 4",
    "foreign/repairs.sav": "sav 30 x 5",
    "foreign/smif1.dta": "dta 600 x 10",
    "foreign/test.xpt": "xpt 2 x 5",
    "foreign/testdata.sav": "sav 5 x 16",
    "generated/big_endian_114.dta": "dta 3 x 2",
    "generated/big_endian_118.dta": "dta 3 x 2",
    "generated/big_endian_handmade.sav": "sav 3 x 1",
    "generated/cp1251_semicolon.csv": "encoding",
    "generated/dates_mixed_encodings.sav": "sav 3 x 3",
    "generated/html_login_page_saved_as.sav": "not_a_survey_file",
    "generated/lfs_pointer.sav": "not_a_survey_file",
    "generated/mojibake_double_encoded.csv": "encoding",
    "generated/strl_40000.dta": "dta 3 x 1",
    "generated/truncated_half_wave01.sav": "truncated",
    "generated/truncated_in_dictionary_wave01.sav": "truncated",
    "generated/utf8_bom_duplicate_columns.csv": "corrupt",
    "generated/xlsx_renamed.sav": "xlsx 1199 x 52",
    "generated/zero_bytes.sav": "empty",
    "haven/sas_datetime.sas7bdat": "sas7bdat 4 x 5",
    "haven/sas_formats.sas7bcat": "unsupported",
    "haven/sas_hadley.sas7bdat": "sas7bdat 8 x 7",
    "haven/sas_hadley.zip": "not_a_survey_file",
    "haven/sas_tagged-na.sas7bcat": "unsupported",
    "haven/sas_tagged-na.sas7bdat": "sas7bdat 8 x 1",
    "haven/spss_datetime.sav": "sav 2 x 3",
    "haven/spss_labelled-num-na.sav": "sav 2 x 1",
    "haven/spss_labelled-num.sav": "sav 1 x 1",
    "haven/spss_labelled-str.sav": "sav 2 x 1",
    "haven/spss_umlauts.sav": "sav 4 x 1",
    "haven/spss_variable-label.sav": "sav 1 x 1",
    "haven/stata_datetime-d.dta": "dta 1 x 1",
    "haven/stata_notes.dta": "dta 5 x 4",
    "haven/stata_tagged-na-double.dta": "dta 8 x 1",
    "haven/stata_tagged-na-int.dta": "dta 8 x 1",
    "haven/stata_types.dta": "dta 2 x 8",
    "pyreadstat/date_test.sas7bdat": "sas7bdat 20 x 9",
    "pyreadstat/dates.sas7bdat": "sas7bdat 50 x 3",
    "pyreadstat/dates_xpt.sas7bdat": "sas7bdat 19 x 9",
    "pyreadstat/dates_xpt_v8.xpt": "xpt 19 x 9",
    "pyreadstat/hebrews.sav": "sav 99 x 1",
    "pyreadstat/missing_char.sav": "sav 2 x 1",
    "pyreadstat/missing_formats.sas7bcat": "unsupported",
    "pyreadstat/missing_test.sas7bdat": "sas7bdat 1 x 9",
    "pyreadstat/missing_test.sav": "sav 2 x 1",
    "pyreadstat/ordered_category.sav": "sav 4 x 1",
    "pyreadstat/sample.dta": "dta 5 x 7",
    "pyreadstat/sample.por": "por 5 x 7",
    "pyreadstat/sample.sas7bdat": "sas7bdat 5 x 7",
    "pyreadstat/sample.sav": "sav 5 x 7",
    "pyreadstat/sample.xpt": "xpt 5 x 7",
    "pyreadstat/sample.zsav": "zsav 5 x 7",
    "pyreadstat/sample_bincompressed.sas7bdat": "sas7bdat 5 x 7",
    "pyreadstat/sample_large.sav": "sav 485 x 7",
    "pyreadstat/tegulu.sav": "sav 1 x 2",
    "pyreadstat/test_data_linux.sas7bdat": "sas7bdat 3 x 3",
    "pyreadstat/test_data_win.sas7bdat": "sas7bdat 3 x 3",
    "pyreadstat/test_file_label_linux.sas7bdat": "sas7bdat 3 x 3",
    "pyreadstat/test_file_label_win.sas7bdat": "sas7bdat 3 x 3",
    "pyreadstat/test_formats_linux.sas7bcat": "unsupported",
    "pyreadstat/test_formats_win.sas7bcat": "unsupported",
    "pyreadstat/test_width.sav": "sav 5 x 4",
    "real/NES1948.POR": "por 662 x 67",
    "real/NES1948.TRA": "unsupported",
    "real/yougov_one_row_113cols.sav": "sav 1 x 113",
    "savReaderWriter/Employee data.sav": "sav 474 x 10",
    "savReaderWriter/all_numeric.sav": "sav 100 x 2",
    "savReaderWriter/all_numeric_datetime_uncompressed.sav": "sav 100 x 2",
    "savReaderWriter/all_numeric_uncompressed.sav": "sav 100 x 2",
    "savReaderWriter/gerhard.sav": "sav 4 x 4",
    "savReaderWriter/gerhard_out.sav": "sav 4 x 4",
    "savReaderWriter/german.sav": "sav 1 x 6",
    "savReaderWriter/greetings.sav": "sav 12 x 3",
    "savReaderWriter/leading_zero.sav": "sav 2 x 1",
    "savReaderWriter/metadata_copy_test.sav": "sav 4 x 7",
    "savReaderWriter/scheiß Encoding.sav": "sav 10 x 1",
    "savReaderWriter/test_dates.sav": "sav 4 x 13",
    "savReaderWriter/time_test.sav": "sav 1 x 3",
    "savReaderWriter/zlib_compressed.zsav": "sav 2 x 4",
    "savReaderWriter/響應投資豐盛生命計畫 募集百萬愛心.sav": "sav 10 x 1",
}
DUKE = "duke-covid-nc/00_raw_data/20200401_duke_covid_survey"
YOUGOV_4 = "tpl-yougov-covid/Fourth_Wave"
MICRODATA = {
    "anes-timeseries/derived_zsav/anes_1972.zsav": "zsav 2705 x 1144",
    "anes-timeseries/derived_zsav/anes_1976.zsav": "zsav 2248 x 954",
    "anes-timeseries/derived_zsav/anes_1980.zsav": "zsav 1614 x 1433",
    "anes-timeseries/derived_zsav/anes_1984.zsav": "zsav 2257 x 1141",
    "anes-timeseries/derived_zsav/anes_1988.zsav": "zsav 2040 x 1396",
    "chronicles-russia/data/wave_01.sav": "sav 1807 x 42",
    "chronicles-russia/data/wave_02.sav": "sav 1811 x 59",
    "chronicles-russia/data/wave_03.sav": "sav 1602 x 98",
    "chronicles-russia/data/wave_04.sav": "sav 1613 x 75",
    "chronicles-russia/data/wave_05.sav": "sav 1605 x 80",
    "chronicles-russia/data/wave_06.sav": "sav 1823 x 108",
    "chronicles-russia/data/wave_07a_express1.sav": "sav 1000 x 32",
    "chronicles-russia/data/wave_07b_express2.sav": "sav 800 x 36",
    "chronicles-russia/data/wave_08.sav": "sav 1685 x 141",
    "chronicles-russia/data/wave_09.sav": "sav 1600 x 142",
    "chronicles-russia/data/wave_09_crosstabs.xlsx": "manifest",
    "chronicles-russia/data/wave_11_en.xlsx": "xlsx 999 x 52",
    "chronicles-russia/data/wave_11_ru.xlsx": "xlsx 1199 x 52",
    "chronicles-russia/data/wave_12_en.xlsx": "xlsx 999 x 106",
    "chronicles-russia/data/wave_12_ru.xlsx": "xlsx 1601 x 106",
    "chronicles-russia/data/wave_15_ru.xlsx": "xlsx 1604 x 239",
    f"{DUKE}/codebook_survey_responses.txt": "not_a_survey_file",
    f"{DUKE}/raw_survey_data_202004_LABELED.csv": "csv 1603 x 56",
    f"{DUKE}/raw_survey_data_uniqueid_only_duke_202004.txt": "csv 1603 x 61",
    "fivethirtyeight-reluctant-trump/april_2017_responses.xlsx": "not_a_survey_file",
    "fivethirtyeight-reluctant-trump/august_2017_responses.xlsx": "not_a_survey_file",
    "fivethirtyeight-reluctant-trump/february_2018_responses.xlsx": "not_a_survey_file",
    "fivethirtyeight-reluctant-trump/march_2017_responses.xlsx": "not_a_survey_file",
    "fivethirtyeight-reluctant-trump/may_2017_responses.xlsx": "manifest",
    "gss-1972-2024/gss_sub.dta": "dta 75699 x 20",
    "pew-internet-2004/July 2004 Selective Exposure.sav": "sav 1510 x 192",
    "tpl-yougov-covid/Fifth_Wave/TPL_Testing_Survey_FifthWave_YouGov.sav": "sav 1500 x 154",
    f"{YOUGOV_4}/TPL_Testing_Survey_FourthWave_YouGov.sav": "sav 500 x 137",
    f"{YOUGOV_4}/TPL_Testing_Survey_FourthWave_YouGov_MERGEDWITHTHIRDWAVEFORMESSING.sav": "sav 1000 x 199",
    "tpl-yougov-covid/Second_Wave/YouGov_2020-10-19.sav": "sav 1 x 113",
    "tpl-yougov-covid/TPL_Testing_Survey_FirstWave_RI.sav": "sav 500 x 65",
    "tpl-yougov-covid/Third_Wave/TPL_Testing_Survey_ThirdWave_YouGov.sav": "sav 1500 x 126",
    "tpl-yougov-covid/Third_Wave/TPL_Testing_Survey_ThirdWave_YouGov_RhodeIslandonly.sav": "sav 500 x 126",
}
CATALOGS = {
    "haven/sas_hadley.sas7bdat": "haven/sas_formats.sas7bcat",
    "haven/sas_tagged-na.sas7bdat": "haven/sas_tagged-na.sas7bcat",
    "pyreadstat/missing_test.sas7bdat": "pyreadstat/missing_formats.sas7bcat",
    "pyreadstat/test_data_linux.sas7bdat": "pyreadstat/test_formats_linux.sas7bcat",
    "pyreadstat/test_data_win.sas7bdat": "pyreadstat/test_formats_win.sas7bcat",
}
NO_DATA = {".md", ".json", ".pdf"}


class Corpus:
    """Outcomes, codebooks and tables of one folder of `../shared`."""

    def __init__(self, root, folder):
        self.folder = folder
        files = sorted(path for path in root.rglob("*") if path.is_file() and path.suffix not in NO_DATA)
        names = [str(path.relative_to(root)) for path in files]
        readings = []
        for path, name in zip(files, names, strict=True):
            options = {"keep": ["*"]}
            if name in CATALOGS:
                options["catalog"] = str(root / CATALOGS[name])
            readings.append(Reading(path, name, folder / name, options))
        scratch = folder / "scratch"
        scratch.mkdir()
        self.outcomes = {outcome.key: outcome for outcome in read_all(readings, scratch)}
        assert set(self.outcomes) == set(names)
        assert list(scratch.iterdir()) == []

    def ending(self, name):
        outcome = self.outcomes[name]
        if outcome.problems:
            assert not (self.folder / name).exists()
            return outcome.problems[0].cause
        return f"{outcome.value['format']} {outcome.value['rows']} x {outcome.value['columns']}"

    def codebook(self, name):
        return Codebook.model_validate_json((self.folder / name / "codebook.json").read_text())

    def table(self, name):
        return pq.read_table(self.folder / name / "responses.parquet")

    def column(self, name, column):
        return self.table(name).column(column).to_pylist()


@pytest.fixture(scope="module")
def nasty(shared, tmp_path_factory):
    return Corpus(shared / "nasty", tmp_path_factory.mktemp("nasty"))


@pytest.fixture(scope="module")
def microdata(shared, tmp_path_factory):
    return Corpus(shared / "microdata", tmp_path_factory.mktemp("microdata"))


def test_every_difficult_file_ends_as_it_should(nasty):
    assert {name: nasty.ending(name) for name in nasty.outcomes} == NASTY


def test_every_real_file_ends_as_it_should(microdata):
    assert {name: microdata.ending(name) for name in MICRODATA} == MICRODATA
    others = set(microdata.outcomes) - set(MICRODATA)
    tables = {name for name in others if microdata.ending(name).startswith("csv ")}
    assert {name for name in others - tables if "LICENSE" not in name} == set()


def test_what_is_written_is_what_is_said(nasty, microdata):
    for corpus in (nasty, microdata):
        for name, outcome in corpus.outcomes.items():
            if outcome.problems:
                continue
            written = pq.read_metadata(corpus.folder / name / "responses.parquet")
            codebook = corpus.codebook(name)
            columns = [one.column for one in codebook.variables]
            columns += [one.tag_column for one in codebook.variables if one.tag_column]
            assert written.num_rows == codebook.rows == outcome.value["rows"], name
            assert written.schema.names == columns, name
            assert len({column.casefold() for column in columns}) == len(columns), name


def test_a_date_that_no_calendar_has_stays_a_number(nasty):
    codebook = nasty.codebook("haven/spss_datetime.sav")
    assert [(one.name, one.kind, one.origin) for one in codebook.variables] == [
        ("date", "date", "seconds since 1582-10-14"),
        ("date.posix", "datetime", "seconds since 1582-10-14"),
        ("time", "time", "seconds"),
    ]
    assert max(nasty.column("haven/spss_datetime.sav", "date.posix")) > 1e12


def test_numbers_are_not_made_dates(nasty):
    name = "generated/dates_mixed_encodings.sav"
    kinds = {one.kind for one in nasty.codebook(name).variables}
    assert kinds == {"datetime", "number", "text"}
    numbers = next(one for one in nasty.codebook(name).variables if one.kind == "number")
    assert 61404.0 in nasty.column(name, numbers.column)


def test_cyrillic_of_windows_1251(microdata):
    codebook = microdata.codebook("chronicles-russia/data/wave_02.sav")
    assert (codebook.encoding, codebook.encoding_basis) == ("windows-1251", "declared")
    assert codebook.variable("подвыборка") is not None
    labels = " ".join(label.label for one in codebook.variables for label in one.labels)
    assert re.search("[а-я]{4}", labels)
    assert not re.search("[ÐÑ][\x80-\xbf]|\ufffd", labels)


def test_the_weight_that_the_file_declares(microdata):
    assert microdata.codebook("chronicles-russia/data/wave_01.sav").weight == "wes_age_gender_tnp"
    assert microdata.codebook("pew-internet-2004/July 2004 Selective Exposure.sav").weight == "weight"


def test_typographic_apostrophes_of_windows_1252(microdata):
    codebook = microdata.codebook("pew-internet-2004/July 2004 Selective Exposure.sav")
    assert any("’" in (one.label or "") for one in codebook.variables)
    assert codebook.encoding_basis == "declared" or codebook.warnings


def test_sets_and_missing_codes_of_yougov(microdata):
    codebook = microdata.codebook("tpl-yougov-covid/TPL_Testing_Survey_FirstWave_RI.sav")
    assert [(one.name, one.kind, len(one.members)) for one in codebook.sets][:2] == [
        ("q8_grid", "category", 10),
        ("q14x", "category", 7),
    ]
    question = codebook.variable("q11")
    assert [(label.code, label.label) for label in question.labels][-2:] == [("8", "skipped"), ("9", "not asked")]
    assert question.declares_missing(9.0)
    assert not question.declares_missing(1.0)
    assert 9.0 in microdata.column("tpl-yougov-covid/TPL_Testing_Survey_FirstWave_RI.sav", "q11")


def test_letters_of_stata(microdata, nasty):
    codebook = microdata.codebook("gss-1972-2024/gss_sub.dta")
    question = codebook.variable("fefam")
    assert {"." + letter for letter in "din"} <= set(question.tags)
    assert ("." + "d", "don't know") in {(label.code, label.label) for label in question.labels}
    letters = microdata.column("gss-1972-2024/gss_sub.dta", question.tag_column)
    answers = microdata.column("gss-1972-2024/gss_sub.dta", "fefam")
    assert all(answer is None for answer, letter in zip(answers, letters, strict=True) if letter)
    assert nasty.column("haven/stata_tagged-na-int.dta", "x@missing") == [None] * 5 + [".a", ".h", ".z"]


def test_letters_and_catalog_of_sas(nasty):
    assert nasty.column("haven/sas_tagged-na.sas7bdat", "x@missing") == [None] * 5 + [".A", ".H", ".Z"]
    labelled = nasty.codebook("haven/sas_hadley.sas7bdat").variables
    assert any(label.label == "Female" for one in labelled for label in one.labels)


def test_missing_codes_of_a_portable_file_are_kept(nasty):
    codebook = nasty.codebook("real/NES1948.POR")
    question = codebook.variable("V480006")
    assert "9" in question.missing_codes
    assert 9.0 in nasty.column("real/NES1948.POR", "V480006")
    assert "known from the data only" in codebook.problems()[0].what


def test_zeros_that_are_only_shown_are_told_by_the_format(nasty):
    (one,) = nasty.codebook("savReaderWriter/leading_zero.sav").variables
    assert (one.stored, one.format) == ("double", "N10")


def test_missing_text(nasty):
    (one,) = nasty.codebook("pyreadstat/missing_char.sav").variables
    assert one.missing_codes == ["Z"]
    assert "Z" in nasty.column("pyreadstat/missing_char.sav", one.column)


def test_long_text_stays_long(nasty):
    assert max(map(len, nasty.column("generated/strl_40000.dta", "_long"))) == 40_000


def test_the_two_engines_agree_to_the_bit(shared, nasty, microdata, tmp_path, monkeypatch):
    """Wherever the fast engine may be used, it gives what pyreadstat gave, missing codes and dates included."""
    monkeypatch.setattr(rows_fast, "FAST_FROM_CELLS", 0)
    used = 0
    for root, corpus in (("nasty", nasty), ("microdata", microdata)):
        for name, outcome in corpus.outcomes.items():
            if outcome.problems or outcome.value["format"] not in ("sav", "zsav"):
                continue
            folder = tmp_path / root / name
            folder.mkdir(parents=True)
            said = read(str(shared / root / name), name, {"keep": ["*"]}, folder=str(folder))
            assert outcome.value["engine"] == "pyreadstat"
            assert pq.read_table(folder / "responses.parquet").equals(corpus.table(name)), name
            used += said["engine"] == "polars_readstat"
    assert used > 40


def test_the_page_for_people_has_every_file_with_its_outcome(nasty):
    page = (PROJECT / "docs" / "files.md").read_text(encoding="utf-8")
    page = page[page.index("## The difficult files") :]
    rows = dict(re.findall(r"^\| `([^`]+)` \| ([^|]+?) \|", page, re.MULTILINE))
    assert rows == NASTY

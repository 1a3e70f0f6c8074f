"""Files of answers that the tests of the readers make themselves: small, seeded, with all that can go missing."""

import zipfile
from io import BytesIO

import numpy as np
import openpyxl
import pandas as pd
import pyreadstat

from assets.responses import rows_fast
from assets.responses.read import read

LABELS = {1.0: "да, поддерживаю", 2.0: "нет", 8.0: "не спрашивали", 9.0: "затрудняюсь ответить", 99.0: "отказ"}


def answers(rows=60, seed=1):
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "caseid": [f"{n:05d}" for n in range(rows)],
            "q1": draw.choice([1.0, 2.0, 8.0, 9.0, 99.0, np.nan], rows),
            "вопрос_2": draw.choice([1.0, 2.0, 3.0], rows),
            "m1": draw.choice([0.0, 1.0], rows),
            "m2": draw.choice([0.0, 1.0], rows),
            "int_date": [61404.0 + n for n in range(rows)],
            "weight": draw.lognormal(0, 0.4, rows),
        }
    )


def write_sav(path, rows=60, **more):
    settings = {
        "variable_value_labels": {"q1": LABELS},
        "column_labels": {"q1": "Поддерживаете ли Вы решение?"},
        "missing_ranges": {"q1": [{"lo": 98, "hi": 99}, 9]},
        "row_compress": True,
    }
    pyreadstat.write_sav(answers(rows), path, **(settings | more))
    return path


def write_dta(path, rows=60, **more):
    frame = answers(rows).rename(columns={"вопрос_2": "q2"}).astype({"q1": object})
    frame.loc[1, "q1"], frame.loc[2, "q1"] = "a", "z"
    settings = {
        "missing_user_values": {"q1": ["a", "z"]},
        "variable_value_labels": {"q1": {1: "yes", 2: "no", "a": "refused", "z": "not asked"}},
    }
    pyreadstat.write_dta(frame, path, **(settings | more))
    return path


def write_csv(path, rows=60):
    answers(rows).to_csv(path, index=False)
    return path


def write_xlsx(path, rows=60):
    answers(rows).to_excel(path, index=False)
    return path


def workbook(path, *sheets):
    """A workbook of sheets, each a title and a list of rows."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def archive(**parts):
    """A ZIP of texts."""
    raw = BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as target:
        for name, text in parts.items():
            target.writestr(name.replace("__", "/"), text)
    return raw.getvalue()


def read_fast(path, file, options=None, *, folder):
    """`read`, with the fast engine for small files as well; run in children."""
    rows_fast.FAST_FROM_CELLS = 0
    return read(path, file, options, folder=folder)

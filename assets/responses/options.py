"""What the manifest may say about a file of answers, as the reader takes it.

Belongs here: the closed list of options with their checks. Does not belong here: reading manifests (schemas.manifest)
or acting on an option (the module that it concerns does).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.problems import Problem, ProblemsError
from schemas.respondents import DeclaredSet


class Options(BaseModel):
    """How to read one file. Everything has a default; nothing here is needed for a well-made file.

    Attributes:
        encoding: in place of what the file declares or what would be detected.
        delimiter: of a text file; found in the header if not given.
        decimal: decimal sign of a text file; found in the cells if not given.
        sheet: of a workbook; its only visible sheet if not given.
        catalog: path of a SAS catalog (.sas7bcat) with the value labels.
        codebook: path of a table of labels for a file without any (see `assets.responses.labels_table`).
        sets: multiple-response sets.
        keep: variables that stay although they look like free text, times or fine geography; `*` keeps everything.
        most_rows: more rows than this are refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: str | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] | None = None
    sheet: str | None = None
    catalog: str | None = None
    codebook: str | None = None
    sets: list[DeclaredSet] = []
    keep: list[str] = []
    most_rows: int = 100_000_000


def parse(raw: dict[str, object] | None, file: str) -> Options:
    """The options as the parent sends them.

    Raises:
        ProblemsError: an unknown option or a value that cannot be.
    """
    try:
        return Options.model_validate(raw or {})
    except ValidationError as bad:
        raise ProblemsError(
            Problem(
                "manifest",
                file,
                f"a reading option is wrong: {one['msg']}",
                column=".".join(map(str, one["loc"])),
                value=str(one["input"]),
            )
            for one in bad.errors()
        ) from None

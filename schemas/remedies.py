"""What to do about each class of problem, in a sentence for the person who runs the house.

Belongs here: remedies by cause, and what a contract is called among the checks. Does not belong here: what is wrong
(schemas.problems says that, with file, row and column), deciding what follows.
"""

from collections.abc import Mapping

# The name of pandera's check, of a release and of a table alike.
CONTRACT = "rows-meet-their-contract"
CONTRACT_HOLDS = "Every row has the declared types and words and lies in the declared ranges."
CONTRACT_MEND = "See docs/tables.md for what is declared: a row with another word or range is wrong, or the code is."

REMEDIES: Mapping[str, str] = {
    "unsafe_path": "Give the file a plain name inside its release folder; links and paths that leave it are refused.",
    "too_large": "Leave out what is not needed, or convert the file to a system file; docs/files.md has the limits.",
    "empty": "The file has no rows: get it again from its source.",
    "encoding": "Save the file as UTF-8, or name its encoding in release.yml.",
    "not_a_survey_file": "Look whether this is the right file: its content is not what its name says.",
    "truncated": "The file ends too early: get it again and compare its checksum.",
    "corrupt": "Get the file again and compare its checksum; if it is the same, ask the producer.",
    "unsupported": "Convert the file to a format of docs/files.md.",
    "timed_out": "Start a refresh again; if it stays so, look at the file outside this house before trusting it.",
    "crashed": "The reader died on this file: keep it, and look at it outside this house before trusting it.",
    "fetch": "Every refresh tries again. Or put the file into data/inbox under any name.",
    "checksum": "Get the declared file; if it was issued anew, write the new checksum and vintage into release.yml.",
    "manifest": "Correct the named key of the YAML file.",
    "duplicate": "Two releases claim one wave and vintage: give one another vintage, or remove it.",
    "crosswalk": "Correct the named row of questions.csv or categories.csv; `weathervane review` shows what is open.",
    "toplines": "Compare the row with its source and correct it. An odd sum of the source may stay: it is flagged.",
    "contract": CONTRACT_MEND,
}

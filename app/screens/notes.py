"""Notes: plain words as HTML, the one place where names of galleries, files and folders become markup.

Streamlit's own messages read Markdown, formulas and emoji codes into such names.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import unquote

from app.wording import counted
from index.files import UPLOADS
from index.person_index import QuarantinedFile

SHOWN = 200  # files in a table; a browser would take long to draw thousands


def error_note(sentence: str) -> str:
    """What went wrong, read out at once."""
    return f'<p class="note error" role="alert">{escape(sentence)}</p>'


def job_note(gallery: str, line: str) -> str:
    """A gallery's name, and how its job is."""
    return f'<p class="note"><b>{escape(gallery)}</b>: {escape(line)}</p>'


def quarantine_table(files: Sequence[QuarantinedFile], home: Path) -> str:
    """Why each file could not be read, its name, and where it lies; uploads by their gallery."""
    rows = "".join(_row(file, home) for file in files[:SHOWN])
    more = f'<p class="note">and {counted(len(files) - SHOWN, "more file")}</p>' if len(files) > SHOWN else ""
    head = "<thead><tr><th>Reason</th><th>File</th></tr></thead>"
    return f'<table class="quarantine">{head}<tbody>{rows}</tbody></table>{more}'


def _row(file: QuarantinedFile, home: Path) -> str:
    reason, name = (escape(words) for words in (file.reason.replace(str(file.path), "it"), file.path.name))
    place = f"<details><summary>{name}</summary>{escape(_place(file.path, home))}</details>"
    return f"<tr><td>{reason}</td><td>{place}</td></tr>"


def _place(path: Path, home: Path) -> str:
    """The folder of a file; an upload's is named after its gallery, in letters that any disk takes."""
    uploads = (home / UPLOADS).resolve()
    if path.is_relative_to(uploads):
        return f"uploaded to {unquote(path.relative_to(uploads).parts[0])}"
    return f"in {path.parent}"

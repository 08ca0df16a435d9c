"""Ingest screen: upload photographs or choose a folder, watch the work, and see what could not be read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import streamlit as st
from streamlit.typing import UploadedFile

from app.config import AppConfig
from app.reports import NOT_LIVE
from app.screens.notes import error_note, job_note, quarantine_table
from app.screens.search_view import LINKS
from app.uploads import gallery_folder, receive
from app.wording import counted, speed_words
from app.worker import resume_ingest, start_ingest
from app.workspace import Workspace, open_workspace
from index.database import StoreError
from index.ingest import DEFAULT_GALLERY
from index.jobs import ENDED, Job, Jobs
from parsing.images import SUFFIXES

HERE = Path(__file__).parent
# In the session: uploads taken so far, jobs known to have ended, and by form what the reader can mend.
TURN, SEEN, FAULTS = "turn", "seen", "faults"
MAX_UPLOAD = 2000  # megabytes of one file; it is held in memory until it is kept
GALLERY_HELP = "A name for this collection, to search in it"
STATES = {"queued": "getting ready", "interrupted": "stopped by accident; what it has done is kept"}
ASKED = {"pause": "pausing after the photographs at hand", "cancel": "stopping after the photographs at hand"}
AGAIN = {"cancelled": "Go on", "failed": "Try again", "interrupted": "Go on"}  # where a job has ended too early


def show() -> None:
    """Draw the page."""
    st.html(HERE / "frame.css")
    st.html(HERE / "ingest.css")
    st.html(_header())
    workspace = open_workspace(AppConfig.from_environment())
    with st.container(key="ingest"):
        _forms(workspace)
        _jobs(workspace)
        _apart(workspace)
        _quarantine(workspace)


def _header() -> str:
    """The same as that of the search page."""
    links = "".join(f'<a href="{href}" target="_self">{label}</a>' for href, label in LINKS)
    return f'<div class="bar"><a class="wordmark" href="./" target="_self">Signalement</a><nav>{links}</nav></div>'


def _forms(workspace: Workspace) -> None:
    st.header("Add photographs", anchor=False)
    st.caption("Everybody in them can then be searched for. Nothing leaves this machine.")
    upload, folder = st.tabs(["Upload", "Folder on this computer"])
    with upload:
        _upload_form(workspace)
    with folder:
        _folder_form(workspace)


def _upload_form(workspace: Workspace) -> None:
    turn = st.session_state.setdefault(TURN, 0)
    with st.form("upload"):
        files = st.file_uploader(
            "Photographs, or ZIP archives of them",
            type=[*(suffix.removeprefix(".") for suffix in SUFFIXES), "zip"],
            accept_multiple_files=True,
            key=f"files-{turn}",
            max_upload_size=MAX_UPLOAD,
        )
        gallery = st.text_input("Gallery", value=DEFAULT_GALLERY, help=GALLERY_HELP, key="upload-gallery")
        asked = st.form_submit_button("Find the people in them", type="primary")
    if asked:
        with _kept_faults("upload") as faults, st.spinner("Keeping the photographs"):
            faults += _take(workspace, files, gallery.strip())
            st.session_state[TURN] = turn + 1  # an uploader of another key is empty
            st.rerun()
    _draw_faults("upload")


def _take(workspace: Workspace, files: Sequence[UploadedFile], gallery: str) -> list[str]:
    """Keep an upload and start on it; what could not be kept, and why.

    Raises:
        ValueError: nothing was chosen, or the gallery has no name.
    """
    folder = gallery_folder(workspace.config.home, gallery)
    if not files:
        raise ValueError("expected photographs, got none; choose some, and wait until they are all here")
    workspace.index.sweep()  # else what is deleted, but not yet removed, would be removed when it is here again
    received = receive(((file.name, file) for file in files), folder)
    if received.new or received.known:
        start_ingest(workspace, [folder], gallery)
    return [f"Left out {name}: {reason}" for name, reason in received.failures]


def _folder_form(workspace: Workspace) -> None:
    with st.form("folder"):
        folder = st.text_input(
            "Folder", placeholder="/home/me/photographs", help="Photographs stay where they are; none is copied"
        )
        gallery = st.text_input("Gallery", value=DEFAULT_GALLERY, help=GALLERY_HELP, key="folder-gallery")
        asked = st.form_submit_button("Find the people in it", type="primary")
    if asked:
        with _kept_faults("folder"):
            if not folder.strip():
                raise ValueError("expected a folder of photographs on this computer, got none; name one")
            start_ingest(workspace, [Path(folder.strip()).expanduser()], gallery.strip())
    _draw_faults("folder")


@contextmanager
def _kept_faults(form: str) -> Iterator[list[str]]:
    """Keep what the reader can mend until the form is sent again, as the page is drawn anew for other reasons too."""
    faults: list[str] = []
    st.session_state[FAULTS] = st.session_state.get(FAULTS, {}) | {form: faults}
    try:
        yield faults
    except (ValueError, StoreError) as error:
        faults.append(f"Error: {error}")


def _draw_faults(form: str) -> None:
    for fault in st.session_state.get(FAULTS, {}).get(form, []):
        st.html(error_note(fault))


@st.fragment(run_every=1.0)
def _jobs(workspace: Workspace) -> None:
    jobs = Jobs(workspace.index.database)
    shown = jobs.all(limit=5)
    if shown:
        st.subheader("Progress", anchor=False)
    for job in shown:
        with st.container(key=f"job-{job.job_id}", border=True):
            st.html(job_note(job.gallery, job_line(job)))
            if job.state not in ENDED:
                st.progress(job.done / job.total if job.total else 0.0)
                _steering(jobs, job)
            else:
                _afterwards(workspace, jobs, job)
    _draw_ended(shown)


def _draw_ended(jobs: Sequence[Job]) -> None:
    """Draw the whole page again when a job has ended, for what could not be read."""
    ended = {job.job_id for job in jobs if job.state in ENDED}
    before = st.session_state.get(SEEN, ended)
    st.session_state[SEEN] = ended
    if ended - before:
        st.rerun()


def job_line(job: Job) -> str:
    """What a job has done, how fast it is and how long it will take, in one line."""
    is_running = job.state == "running" and job.total > job.done
    state = ASKED.get(job.request, job.state) if job.state == "running" else STATES.get(job.state, job.state)
    done, left = f"{job.done} of {counted(job.total, 'photograph')}", job.seconds_left
    parts = [
        state,
        done if job.total else "nothing new" if job.state == "done" else "",
        counted(job.people, "person", "people") if job.total else "",
        f"{job.skipped} there already" if job.skipped else "",
        f"{job.quarantined} could not be read" if job.quarantined else "",
        speed_words(job.images_per_second) if is_running and job.images_per_second else "",
        f"{_duration(left)} left" if is_running and left else "",
        job.message,
    ]
    return " · ".join(part for part in parts if part)


def _duration(seconds: float) -> str:
    for unit, name in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _steering(jobs: Jobs, job: Job) -> None:
    is_paused = job.request == "pause"
    ways = {"Go on" if is_paused else "Pause": "run" if is_paused else "pause", "Cancel": "cancel"}
    with st.container(horizontal=True):
        for label, request in ways.items():
            st.button(label, key=f"{request}-{job.job_id}", on_click=jobs.request, args=(job.job_id, request))


def _afterwards(workspace: Workspace, jobs: Jobs, job: Job) -> None:
    """Go on with a job that has ended too early, or take it out of the list."""
    with st.container(horizontal=True):
        if job.state in AGAIN and st.button(AGAIN[job.state], key=f"again-{job.job_id}"):
            with _kept_faults(f"job {job.job_id}"):
                resume_ingest(workspace, job.job_id)
                st.rerun(scope="fragment")
        st.button("Dismiss", key=f"dismiss-{job.job_id}", on_click=jobs.dismiss, args=(job.job_id,))
    _draw_faults(f"job {job.job_id}")


def _apart(workspace: Workspace) -> None:
    """Say where people are who cannot be found yet."""
    generations = workspace.index.generations.all()
    live = [one.generation_id for one in generations if one.is_live]
    if waiting := sum(one.people for one in generations if live and one.generation_id > live[0]):
        st.info(f"{counted(waiting, 'person', 'people')} cannot be searched for yet: {NOT_LIVE}")


def _quarantine(workspace: Workspace) -> None:
    files = workspace.index.quarantined()
    if files:
        st.subheader(f"{counted(len(files), 'file')} could not be read", anchor=False)
        st.html(quarantine_table(files, workspace.config.home))

"""Ingest screen: choose a folder, watch the work, and see what could not be read."""

from base64 import b64encode
from pathlib import Path

import streamlit as st

from app.config import AppConfig
from app.screens.search_view import LINKS
from app.wording import counted
from app.worker import start_ingest
from app.workspace import Workspace, open_workspace
from index.ingest import DEFAULT_GALLERY
from index.jobs import ENDED, Job, Jobs

HERE = Path(__file__).parent
STATES = {"queued": "waiting", "interrupted": "stopped by accident; start it again to go on"}


def show() -> None:
    """Draw the page."""
    st.html(HERE / "frame.css")
    st.html(HERE / "ingest.css")
    st.html(_header())
    workspace = open_workspace(AppConfig.from_environment())
    with st.container(key="ingest"):
        _form(workspace)
        _jobs(workspace)
        _quarantine(workspace)


def _header() -> str:
    """The same as that of the search page."""
    links = "".join(f'<a href="{href}" target="_self">{label}</a>' for href, label in LINKS)
    icon = f'<img alt="" src="data:image/svg+xml;base64,{b64encode((HERE / "icon.svg").read_bytes()).decode()}">'
    return (
        f'<div class="bar"><a class="wordmark" href="./" target="_self">{icon}Signalement</a><nav>{links}</nav></div>'
    )


def _form(workspace: Workspace) -> None:
    st.header("Add photographs", anchor=False)
    st.caption(
        "Everybody in them can then be searched for. Photographs stay where they are; nothing leaves this machine."
    )
    with st.form("folder"):
        folder = st.text_input("Folder on this computer", placeholder="/home/me/photographs")
        gallery = st.text_input("Gallery", value=DEFAULT_GALLERY, help="A name for this collection, to search in it")
        if not st.form_submit_button("Find the people in it", type="primary"):
            return
    try:
        start_ingest(workspace, Path(folder.strip()).expanduser() if folder.strip() else Path("?"), gallery)
    except ValueError as error:
        st.error(f"Error: {error}")


@st.fragment(run_every=1.0)
def _jobs(workspace: Workspace) -> None:
    jobs = Jobs(workspace.index.database)
    shown = jobs.all(limit=5)
    if shown:
        st.subheader("Progress", anchor=False)
    for job in shown:
        with st.container(key=f"job-{job.job_id}", border=True):
            st.markdown(_line(job))
            if job.state not in ENDED:
                st.progress(job.done / job.total if job.total else 0.0)
                _buttons(jobs, job)


def _line(job: Job) -> str:
    left = job.seconds_left
    parts = [
        f"**{job.gallery}**: {STATES.get(job.state, job.state)}",
        f"{job.done} of {counted(job.total, 'photograph')}",
        counted(job.people, "person", "people"),
        f"{job.images_per_second:.1f} a second" if job.images_per_second else "",
        f"{left:.0f} s left" if left and job.state == "running" else "",
        job.message,
    ]
    return " · ".join(part for part in parts if part)


def _buttons(jobs: Jobs, job: Job) -> None:
    is_paused = job.request == "pause"
    with st.container(horizontal=True):
        if st.button("Go on" if is_paused else "Pause", key=f"pause-{job.job_id}"):
            jobs.request(job.job_id, "run" if is_paused else "pause")
        if st.button("Cancel", key=f"cancel-{job.job_id}"):
            jobs.request(job.job_id, "cancel")


def _quarantine(workspace: Workspace) -> None:
    files = workspace.index.quarantined()
    if files:
        st.subheader(f"{counted(len(files), 'file')} could not be read", anchor=False)
        st.dataframe(
            {"File": [str(file.path) for file in files], "Reason": [file.reason for file in files]}, hide_index=True
        )

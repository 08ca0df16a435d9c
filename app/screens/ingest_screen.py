"""Ingest screen: choose a folder, watch the work, and see what could not be read."""

from pathlib import Path

import streamlit as st

from app.config import AppConfig
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
    st.html('<div class="bar"><a href="./" target="_self">Signalement</a><span>Add photographs</span></div>')
    workspace = open_workspace(AppConfig.from_environment())
    with st.container(key="ingest"):
        _form(workspace)
        _jobs(workspace)
        _quarantine(workspace)


def _form(workspace: Workspace) -> None:
    st.header("Add photographs", anchor=False)
    st.caption(
        "Everybody in them can then be searched for. Photographs stay where they are; nothing leaves this machine."
    )
    with st.form("folder", border=False):
        folder = st.text_input("Folder on this computer", placeholder="/home/me/photographs")
        gallery = st.text_input("Gallery", value=DEFAULT_GALLERY)
        if not st.form_submit_button("Start", type="primary"):
            return
    try:
        start_ingest(workspace, Path(folder.strip()).expanduser() if folder.strip() else Path("?"), gallery)
    except ValueError as error:
        st.error(f"Error: {error}")


@st.fragment(run_every=1.0)
def _jobs(workspace: Workspace) -> None:
    jobs = Jobs(workspace.index.database)
    for job in jobs.all(limit=5):
        with st.container(key=f"job-{job.job_id}"):
            st.progress(job.done / job.total if job.total else float(job.state == "done"), text=_line(job))
            if job.state not in ENDED:
                _buttons(jobs, job)


def _line(job: Job) -> str:
    left = job.seconds_left
    parts = [
        f"**{job.gallery}**: {STATES.get(job.state, job.state)}",
        f"{job.done} of {job.total} photographs",
        f"{job.people} people",
        f"{job.images_per_second:.1f} a second" if job.images_per_second else "",
        f"{left:.0f} s left" if left and job.state == "running" else "",
        job.message,
    ]
    return " · ".join(part for part in parts if part)


def _buttons(jobs: Jobs, job: Job) -> None:
    left, right, _ = st.columns([1, 1, 4])
    is_paused = job.request == "pause"
    if left.button("Go on" if is_paused else "Pause", key=f"pause-{job.job_id}"):
        jobs.request(job.job_id, "run" if is_paused else "pause")
    if right.button("Cancel", key=f"cancel-{job.job_id}"):
        jobs.request(job.job_id, "cancel")


def _quarantine(workspace: Workspace) -> None:
    files = workspace.index.quarantined()
    if files:
        st.subheader(f"{len(files)} files could not be read", anchor=False)
        st.dataframe(
            {"File": [str(file.path) for file in files], "Reason": [file.reason for file in files]}, hide_index=True
        )

"""Pages: which screen is at which address; the script that Streamlit runs."""

from pathlib import Path

import streamlit as st

from app.screens import ingest_screen, search_screen

st.set_page_config(
    page_icon=str(Path(__file__).with_name("icon.svg")),
    layout="wide",
    initial_sidebar_state="collapsed",
)
st.navigation(
    [
        st.Page(search_screen.show, title="Signalement", default=True),
        st.Page(ingest_screen.show, title="Add photographs · Signalement", url_path="ingest"),
    ],
    position="hidden",
).run()

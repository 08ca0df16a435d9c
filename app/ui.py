"""UI: the pages and the pictures and exports beside them, served by `python -m streamlit run app/ui.py`."""

from streamlit.starlette import App

from app.config import AppConfig
from app.downloads import download_routes
from app.pictures import picture_routes
from app.screens.search_state import SearchState
from app.screens.search_view import search_view
from app.server import announced
from app.workspace import Workspace, open_workspace


def workspace() -> Workspace:
    """The store that this server shows."""
    return open_workspace(AppConfig.from_environment())


app = App(
    "screens/pages.py",
    lifespan=lambda _: announced(lambda: search_view(SearchState(), workspace())),
    routes=[*picture_routes(lambda: workspace().index), *download_routes(workspace)],
)

import io
import json
import zipfile
from pathlib import Path

import pytest
from rendered import RenderedGallery
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.config import AppConfig
from app.downloads import download_routes
from app.pictures import (
    crop_url,
    original_url,
    outline_url,
    photo_outline_url,
    photo_url,
    picture_routes,
    spotlight_url,
)
from app.workspace import Workspace, open_workspace
from index.person_index import PersonIndex
from tests.index_samples import new_image


@pytest.fixture(scope="module")
def workspace(rendered_gallery: RenderedGallery) -> Workspace:
    return open_workspace(AppConfig(home=rendered_gallery.home))


@pytest.fixture(scope="module")
def client(workspace: Workspace) -> TestClient:
    routes = [*picture_routes(lambda: workspace.index), *download_routes(lambda: workspace)]
    return TestClient(Starlette(routes=routes))


def test_every_picture_of_a_person_is_found_at_its_url(workspace: Workspace, client: TestClient) -> None:
    stored = workspace.index.person(int(workspace.index.person_ids()[0]))
    urls = {
        crop_url(stored.image_id, stored.person_id): "image/webp",
        photo_url(stored.image_id): "image/webp",
        original_url(stored.image_id): "image/png",
        outline_url(stored.person_id, "Hair", 0): "image/svg+xml",
        photo_outline_url(stored.person_id, "Hair", 7): "image/svg+xml",
        spotlight_url(stored.person_id): "image/svg+xml",
    }
    assert {url: client.get(url).headers["content-type"] for url in urls} == urls


@pytest.mark.parametrize(
    "url",
    [
        "/pictures/people/1-99999.webp",
        "/pictures/photos/99999.webp",
        "/pictures/originals/99999",
        "/pictures/spotlights/99999.svg",
        "/pictures/originals/99999999999999999999",
        "/pictures/spotlights/99999999999999999999.svg",
        "/pictures/outlines/crop/1/Nonsense/0.svg",
        "/pictures/outlines/crop/1/Hair/77.svg",
        "/pictures/people/..%2f..%2fetc-1.webp",
    ],
)
def test_what_is_not_there_is_not_found(client: TestClient, url: str) -> None:
    assert client.get(url).status_code == 404


def test_a_photograph_whose_file_is_gone_says_so(tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path) as index:
        index.add([new_image("/gone/a.jpg", "Red")], gallery="g", checkpoint_hash="c1")
        answer = TestClient(Starlette(routes=picture_routes(lambda: index))).get(original_url(1))
    assert answer.status_code == 404
    assert answer.text == (
        "Error: expected a photograph at /gone/a.jpg, but no file is there any more; put it back, or ingest it anew\n"
    )


def test_downloads_hold_everybody_who_matches(workspace: Workspace, client: TestClient) -> None:
    total = len(client.get("/exports/matches.json?q=hair").json()["matches"])
    table = client.get("/exports/matches.csv?q=hair").text.splitlines()
    assert table[0] == "rank,person_id,image,x0,y0,x1,y1,captured_at,probability,hair"
    archive = zipfile.ZipFile(io.BytesIO(client.get("/exports/matches.zip?q=hair").content))
    pictures = [name for name in archive.namelist() if name.endswith(".webp")]
    assert total > 0
    assert len(table) - 1 == len(pictures) == len(json.loads(archive.read("matches.json"))["matches"]) == total


def test_an_export_in_parts_is_the_same(
    workspace: Workspace, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = ("matches.json?q=hair", "matches.csv?q=hair&sort=time", "matches.json?q=coat:orange+skirt:yellow")
    whole = [client.get(f"/exports/{address}").text for address in addresses]
    monkeypatch.setattr("app.exports.PAGE_SIZE", 2)
    assert [client.get(f"/exports/{address}").text for address in addresses] == whole
    assert json.loads(whole[2])["matches"] == []


@pytest.mark.parametrize("address", ["matches.csv", "matches.csv?q=coat:mauve", "matches.exe?q=coat"])
def test_a_download_of_nothing_says_what_is_wrong(client: TestClient, address: str) -> None:
    answer = client.get(f"/exports/{address}")
    assert answer.status_code == 400
    assert answer.text.startswith("Error: ")

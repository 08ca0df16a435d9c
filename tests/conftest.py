"""Fixtures that several test files share."""

import pytest
from rendered import RenderedGallery, make_gallery


@pytest.fixture(scope="session")
def rendered_gallery(tmp_path_factory: pytest.TempPathFactory) -> RenderedGallery:
    """Five rendered scenes with known people, ingested. Read only: it is shared by all tests."""
    return make_gallery(tmp_path_factory.mktemp("gallery"), count=5, long_side=288)

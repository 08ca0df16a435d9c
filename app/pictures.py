"""Pictures: the URLs under which a page finds thumbnails, outlines and photographs, and the routes that answer them.

Browsers fetch and keep these by themselves, so no picture passes through the page's own connection.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from app.outlines import COLORS, garment_svg, spotlight_svg
from index.person_index import PersonIndex, StoredPerson, UnknownPersonError
from index.thumbnails import IMAGE_SIDE, Crop, crop_of
from parsing.labels import ATTRIBUTE_GROUPS, members
from parsing.records import Person

_HEADERS = {"Cache-Control": "private, max-age=3600"}


def crop_url(image_id: int, person_id: int) -> str:
    """Thumbnail of a person."""
    return f"/pictures/people/{image_id}-{person_id}.webp"


def outline_url(person_id: int, group: str, color: int) -> str:
    """Outline of one attribute group, to lie on the person's thumbnail."""
    return f"/pictures/outlines/crop/{person_id}/{group}/{color % len(COLORS)}.svg"


def photo_url(image_id: int) -> str:
    """The whole photograph, reduced."""
    return f"/pictures/photos/{image_id}.webp"


def photo_outline_url(person_id: int, group: str, color: int) -> str:
    """Outline of one attribute group, to lie on the photograph."""
    return f"/pictures/outlines/photo/{person_id}/{group}/{color % len(COLORS)}.svg"


def spotlight_url(person_id: int) -> str:
    """What marks a person on the photograph."""
    return f"/pictures/spotlights/{person_id}.svg"


def original_url(image_id: int) -> str:
    """The photograph as it was ingested."""
    return f"/pictures/originals/{image_id}"


def group_mask(person: Person, group: str) -> NDArray[np.bool_] | None:
    """Pixels of an attribute group on the person, (H, W) bool; None where nothing of it was seen."""
    masks = [record.mask.decode() for record in person.attributes if record.attribute in members(group)]
    return np.logical_or.reduce(masks) if masks else None


def thumbnail_crop(stored: StoredPerson) -> Crop:
    """Which part of the photograph the person's thumbnail shows."""
    return crop_of(stored.person.box_xyxy, height=stored.height, width=stored.width)


class _IdConvertor(IntegerConvertor):
    """A number that may be an id: a database knows none of more digits."""

    regex = "[0-9]{1,18}"


register_url_convertor("id", _IdConvertor())


def picture_routes(index: Callable[[], PersonIndex]) -> Sequence[BaseRoute]:
    """The routes that answer all URLs of this module."""
    pictures = _Pictures(index)
    return [
        Route("/pictures/people/{image_id:id}-{person_id:id}.webp", pictures.crop),
        Route("/pictures/photos/{image_id:id}.webp", pictures.photo),
        Route("/pictures/originals/{image_id:id}", pictures.original),
        Route("/pictures/outlines/{frame}/{person_id:id}/{group}/{color:int}.svg", pictures.outline),
        Route("/pictures/spotlights/{person_id:id}.svg", pictures.spotlight),
    ]


class _Pictures:
    """Answers picture requests from one store."""

    def __init__(self, index: Callable[[], PersonIndex]) -> None:
        self.index = index

    def crop(self, request: Request) -> Response:
        parameters = request.path_params
        return _file(self.index().thumbnails.person_path(parameters["image_id"], parameters["person_id"]))

    def photo(self, request: Request) -> Response:
        return _file(self.index().thumbnails.image_path(request.path_params["image_id"]))

    def original(self, request: Request) -> Response:
        paths = self.index().image_paths(request.path_params["image_id"])
        found = next((path for path in paths if path.is_file()), None)
        return _file(found) if found else PlainTextResponse(_gone(paths), status_code=404)

    def outline(self, request: Request) -> Response:
        parameters = request.path_params
        group, color = parameters["group"], parameters["color"]
        if group not in ATTRIBUTE_GROUPS or color >= len(COLORS):
            raise HTTPException(404)
        stored = self._person(parameters["person_id"])
        mask = group_mask(stored.person, group)
        if mask is None:
            raise HTTPException(404)
        crop = thumbnail_crop(stored) if parameters["frame"] == "crop" else _whole(stored)
        return _svg(garment_svg(crop.of_mask(mask), COLORS[color]))

    def spotlight(self, request: Request) -> Response:
        stored = self._person(request.path_params["person_id"])
        return _svg(spotlight_svg(_whole(stored).of_mask(stored.person.mask.decode())))

    def _person(self, person_id: int) -> StoredPerson:
        try:
            return self.index().person(person_id)
        except UnknownPersonError as error:
            raise HTTPException(404) from error


def _whole(stored: StoredPerson) -> Crop:
    """The photograph's thumbnail as a crop of everything."""
    scale = min(1.0, IMAGE_SIDE / max(stored.height, stored.width))
    return Crop(
        0, 0, stored.width, stored.height, max(1, round(stored.height * scale)), max(1, round(stored.width * scale))
    )


def _gone(paths: Sequence[Path]) -> str:
    if not paths:
        return "Error: expected a photograph of this store, but it has none of that number; search again\n"
    places = " or ".join(map(str, paths))
    return f"Error: expected a photograph at {places}, but no file is there any more; put it back, or ingest it anew\n"


def _file(path: Path) -> Response:
    if not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, headers=_HEADERS)


def _svg(document: str) -> Response:
    return Response(document, media_type="image/svg+xml", headers=_HEADERS)

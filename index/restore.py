"""Restoring: thumbnails that a crash or a careless hand has cost, made again from the photographs."""

import logging
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from index.person_index import PersonIndex, places_now
from index.tables import Parse, PersonRow
from index.thumbnails import Box
from parsing.images import UnreadableImageError, read_image

LOGGER = logging.getLogger(__name__)


def unfinished(index: PersonIndex, generation_id: int) -> list[int]:
    """Images whose people are stored, but whose thumbnails an ingestion was stopped from writing."""
    with index.database.read() as session:
        statement = select(Parse.image_id).where(Parse.generation_id == generation_id, ~Parse.has_thumbnails)
        return list(session.scalars(statement.order_by(Parse.image_id)))


def missing(index: PersonIndex, generation_id: int) -> list[int]:
    """Images that lack a thumbnail file, their own or a person's."""
    with index.database.read() as session:
        images = session.scalars(select(Parse.image_id).where(Parse.generation_id == generation_id)).all()
        people = select(PersonRow.image_id, PersonRow.id).where(PersonRow.generation_id == generation_id)
        pairs = [(row.image_id, row.id) for row in session.execute(people)]
    lacking = {image_id for image_id in images if not index.thumbnails.image_path(image_id).exists()}
    lacking |= {image_id for image_id, person in pairs if not index.thumbnails.person_path(image_id, person).exists()}
    return sorted(lacking)


def restore_thumbnails(index: PersonIndex, generation_id: int, image_ids: Sequence[int]) -> list[Path]:
    """Write the thumbnails of images and of their people; returns the photographs that cannot be read any more."""
    lost = []
    for image_id in image_ids:
        location, boxes = _place_and_boxes(index, generation_id, image_id)
        try:
            index.thumbnails.write(image_id, read_image(location).pixels, boxes)
        except UnreadableImageError as error:
            LOGGER.warning("image %d stays without thumbnails: %s", image_id, error)
            lost.append(location)
    index.note_thumbnails(image_ids, generation_id=generation_id)
    return lost


def _place_and_boxes(index: PersonIndex, generation_id: int, image_id: int) -> tuple[Path, dict[int, Box]]:
    with index.database.read() as session:
        _, location, _ = places_now(session, [image_id])[image_id]
        here = (PersonRow.image_id == image_id) & (PersonRow.generation_id == generation_id)
        rows = session.scalars(select(PersonRow).where(here)).all()
        return Path(location), {row.id: (row.x0, row.y0, row.x1, row.y1) for row in rows}

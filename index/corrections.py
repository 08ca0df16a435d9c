"""Corrections of a person: found by place, so that they outlive the generation that they were made in."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from index.tables import Correction
from parsing.boxes import box_iou

SAME_PERSON = 0.5  # least intersection over union of two boxes, as in PCP_50 of the paper


def corrections_at(session: Session, image_id: int, box_xyxy: Sequence[float]) -> list[Correction]:
    """The corrections of whoever is at `box_xyxy` of an image, in the order in which they were made."""
    here = select(Correction).where(Correction.image_id == image_id).order_by(Correction.id)
    return [row for row in session.scalars(here) if box_iou(row.box_xyxy, box_xyxy) >= SAME_PERSON]


def forget_corrections(session: Session, corrections: Sequence[Correction]) -> None:
    """Delete corrections, in the caller's transaction."""
    session.execute(delete(Correction).where(Correction.id.in_([row.id for row in corrections])))

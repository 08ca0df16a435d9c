"""Which of the known data sets lies in a folder."""

from pathlib import Path

from training.ccihp import CCIHPDataset, is_ccihp
from training.ccp import CCPDataset
from training.coco_people import COCOPeopleDataset


def open_dataset(root: Path) -> CCPDataset | COCOPeopleDataset | CCIHPDataset:
    """The data set in a folder.

    Raises:
        FileNotFoundError: the folder has the layout of none.
    """
    if (root / "label_list.mat").is_file():
        return CCPDataset(root)
    if (root / "index.json").is_file():
        return COCOPeopleDataset(root)
    if is_ccihp(root):
        return CCIHPDataset(root)
    raise FileNotFoundError(
        f"{root} is no data set that is known; expected a CCP folder (label_list.mat), a COCO people folder "
        "(index.json) or a CCIHP or CIHP folder (Training/ or Validation/ with Category_ids/)"
    )

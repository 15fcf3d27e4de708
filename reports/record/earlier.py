"""Records that are replaced stay: the earlier one keeps a name in the folder ``earlier`` beside the new one."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from itertools import count
from pathlib import Path

__all__ = ["keep_earlier", "put_in_place"]

EARLIER = "earlier"


def keep_earlier(path: Path) -> Path:
    """Give a closed record a second name in ``earlier``: the time at which it was last written.

    Returns
    -------
    Path
        The second name, which no other record has.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    folder = path.parent / EARLIER
    folder.mkdir(exist_ok=True)
    time = datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%dT%H-%M-%S")
    names = (folder / f"{time}{f'-{number}' if number > 1 else ''}{path.suffix}" for number in count(1))
    for name in names:
        try:
            os.link(path, name)
        except FileExistsError:
            continue
        except OSError:  # a file system without links
            if name.exists():
                continue
            shutil.copy2(path, name)
        return name
    raise AssertionError("a free name exists")


def put_in_place(draft: Path, path: Path) -> Path | None:
    """Rename a closed draft to the record at a path; return where a record that was there is now.

    At every moment there is a record at the path if there was one before.
    """
    earlier = keep_earlier(path) if path.exists() else None
    draft.replace(path)
    return earlier

"""The folder of a run: one run at a time, which replaces the record that is there only once it has finished."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from datetime import datetime
from itertools import count
from pathlib import Path

from conformance.reports.record.earlier import keep_earlier, put_in_place
from conformance.reports.record.store import Results, ResultsError

__all__ = ["BASE", "Folder", "FolderError", "to_resume"]

BASE = Path("conformance-out")
"""Holds a new folder for each run without ``--out``."""

LATEST = "latest"
RECORD, DRAFT = "results.sqlite", "unfinished.sqlite"


class FolderError(Exception):
    """The folder cannot be written or resumed, or another run is writing into it."""


class Folder:
    """A locked folder.

    Parameters
    ----------
    path : Path or None
        Created if necessary. None: a new folder in `BASE`, and to resume, the latest one there.
    resume : bool
        Whether to go on with the run that is there.

    Attributes
    ----------
    record, draft : Path
        The record, and the record of a run that has not finished while there is an older record.
    """

    def __init__(self, path: Path | None, *, resume: bool = False) -> None:
        self._latest = BASE / LATEST if path is None else None
        if resume:
            path = to_resume(path)
        elif path is None:
            path = _free_name()
        self.path = path
        self.record, self.draft = path / RECORD, path / DRAFT
        self._created = not path.exists()
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = (path / ".lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise FolderError(f"another run is writing into {path}") from None
        except OSError as error:
            raise FolderError(f"cannot write into {path}: {error}") from None

    def open_record(self) -> Results | None:
        """The record that is there, None if it is missing or unreadable."""
        try:
            return Results.open(self.record)
        except ResultsError:
            return None

    def resume(self) -> Results:
        """The record of the run that has not finished, or else the one that is there.

        Raises
        ------
        FolderError
            It is damaged or cannot be written.
        """
        try:
            return Results.open(self.draft if self.draft.is_file() else self.record, write=True)
        except ResultsError as error:
            raise FolderError(f"cannot write into {self.path}: {error}") from None

    def create(self, contents: Results | None = None) -> Results:
        """A new record: a draft if there is a record already.

        Parameters
        ----------
        contents : Results, optional
            What the new one holds at the start.

        Raises
        ------
        FolderError
            It cannot be written.
        """
        try:
            self._clear()
            path = self.draft if self.record.exists() else self.record
            results = Results.create(path) if contents is None else contents.copy(path)
        except (OSError, ResultsError) as error:
            raise FolderError(f"cannot write into {self.path}: {error}") from None
        if self._latest is not None:
            self._name_latest(self._latest)
        return results

    def _clear(self) -> None:
        """Make room for a draft, and put a damaged record aside."""
        if self.draft.exists():
            _complete(self.draft)
            keep_earlier(self.draft)
            self.draft.unlink()
        if self.record.exists() and not _complete(self.record):
            self.record.replace(self.path / "damaged.sqlite")

    def _name_latest(self, link: Path) -> None:
        """Let a symbolic link lead to this folder; it is a convenience, so a run does not fail without it."""
        new = link.with_name(f".{link.name}.{os.getpid()}")
        with suppress(OSError):
            new.symlink_to(self.path.name)
            new.replace(link)

    def put_in_place(self) -> Path | None:
        """Replace the record by the closed draft; return where the earlier record is now.

        Raises
        ------
        OSError
            The folder cannot be written.
        """
        _complete(self.record)
        return put_in_place(self.draft, self.record)

    def close(self) -> None:
        """Release the lock, so that another run can use the folder; remove a folder of which nothing came."""
        if self._created and [entry.name for entry in self.path.iterdir()] == [".lock"]:
            (self.path / ".lock").unlink()
            self.path.rmdir()
        self._lock.close()


def to_resume(path: Path | None) -> Path:
    """The folder to resume: the one given, or the latest one in `BASE`.

    Raises
    ------
    FolderError
        It has no run.
    """
    if path is None:
        link = BASE / LATEST
        path = link.parent / link.readlink() if link.is_symlink() else link
    if not any((path / name).is_file() for name in (RECORD, DRAFT)):
        raise FolderError(f"there is no run to resume in {path}; drop --resume, or give its folder with --out")
    return path


def _complete(path: Path) -> bool:
    """Move what a killed run left in the write-ahead log into its file; False if the file is damaged."""
    left_over = Path(f"{path}-wal").exists()
    try:
        Results.open(path, write=left_over).close()
    except ResultsError:
        return False
    for leftover in ("-wal", "-shm"):
        Path(f"{path}{leftover}").unlink(missing_ok=True)
    return True


def _free_name() -> Path:
    """A folder in `BASE` that does not exist, named by the time."""
    time = datetime.now().strftime("%Y-%m-%dT%H-%M-%S")
    names = (BASE / f"{time}{f'-{number}' if number > 1 else ''}" for number in count(1))
    return next(name for name in names if not name.exists())

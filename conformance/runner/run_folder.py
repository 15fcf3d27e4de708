"""The folder of a run: one run at a time, and a new run never deletes the record of the one before."""

from __future__ import annotations

import fcntl
from pathlib import Path

from conformance.reports.record.store import Results, ResultsError

__all__ = ["Folder", "FolderError"]


class FolderError(Exception):
    """The folder cannot be written, or another run is writing into it."""


class Folder:
    """A locked folder.

    Parameters
    ----------
    path : Path
        Created if necessary.

    Attributes
    ----------
    results, previous : Path
        Record of this run, and of the run before it in the same folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results, self.previous = path / "results.sqlite", path / "previous.sqlite"
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = (path / ".lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise FolderError(f"another run is writing into {path}") from None
        except OSError as error:
            raise FolderError(f"cannot write into {path}: {error}") from None

    def open_results(self, *, resume: bool) -> Results:
        """A new record, where an existing one becomes the previous; or the existing record, to resume it.

        Raises
        ------
        FolderError
            The record cannot be written, or the one to resume is damaged.
        """
        try:
            if resume and self.results.is_file():
                return Results.open(self.results, write=True)
            if self.results.is_file():
                self._put_aside()
            return Results.create(self.results)
        except (OSError, ResultsError) as error:
            raise FolderError(f"cannot write into {self.path}: {error}") from None

    def open_previous(self) -> Results | None:
        """The record of the run before, None if it is missing or unreadable."""
        try:
            return Results.open(self.previous)
        except ResultsError:
            return None

    def _put_aside(self) -> None:
        try:
            # After a kill, the last outcomes are in the write-ahead log; closing moves them into the file.
            Results.open(self.results, write=True).close()
        except ResultsError:
            self.results.replace(self.path / "damaged.sqlite")
            return
        for leftover in ("-wal", "-shm"):
            Path(f"{self.results}{leftover}").unlink(missing_ok=True)
        self.results.replace(self.previous)

    def close(self) -> None:
        """Release the lock, so that another run can use the folder."""
        self._lock.close()

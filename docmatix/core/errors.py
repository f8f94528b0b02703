"""Every exception docmatix raises on purpose.

    DocmatixError
    ├── SetupError          exit 2: the command or the configuration is wrong; nothing was done
    │   └── RunRefused      the run directory holds a link or a device, where files and folders are
    └── BuildError          exit 1: the build cannot go on; what is committed stays
        ├── ServerGone      the model server stayed away longer than the configuration allows
        ├── SourceGone      the source stayed unreachable
        ├── StorageFailed   the run directory cannot be written (a full disk, lost permissions)
        └── LedgerError     a ledger does not balance, or an unexpected reason passed its share

Bad data is never an exception: a broken document, reply or pair is a value with a named reason.
Each message is one sentence (or two) that says what is wrong and what to do.
"""

from __future__ import annotations


class DocmatixError(Exception):
    """The root: catch this to catch everything docmatix raises on purpose."""

    exit_code = 1


class SetupError(DocmatixError):
    """The command or the configuration is wrong; found before any work starts."""

    exit_code = 2


class RunRefused(SetupError):
    """The run directory holds what leads out of it, or is no file: whoever prepared it may mean harm."""


class BuildError(DocmatixError):
    """The build cannot go on. Committed shards stay; the same command continues."""


class ServerGone(BuildError):
    """The model server was unreachable for longer than `give_up_after_s`."""


class SourceGone(BuildError):
    """The source stayed unreachable after retries."""


class StorageFailed(BuildError):
    """The run directory cannot be written."""


class LedgerError(BuildError):
    """`in = out + dropped` does not hold, or a bug or outage is emptying the dataset."""

"""The exceptions that docmatix raises on purpose; `exit_code` is the command's exit status.

Bad data is never an exception: a broken document, reply or pair is a value with a named reason. A message is a sentence
or two that say what is wrong and what to do.
"""

from __future__ import annotations


class DocmatixError(Exception):
    """The base of everything docmatix raises on purpose."""

    exit_code = 1


class SetupError(DocmatixError):
    """The command or the configuration is wrong; raised before any work starts."""

    exit_code = 2


class RunRefused(SetupError):
    """The run directory contains a link or a device, possibly planted to do harm."""


class BuildError(DocmatixError):
    """The build cannot continue. Committed shards stay; the same command resumes."""


class ServerGone(BuildError):
    """The model server was unreachable for longer than `give_up_after_s`."""


class SourceGone(BuildError):
    """The source stayed unreachable after retries."""


class StorageFailed(BuildError):
    """The run directory cannot be written: a full disk, or lost permissions."""


class LedgerError(BuildError):
    """`in = out + dropped` does not hold, or a bug or an outage is emptying the dataset."""

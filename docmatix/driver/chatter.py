"""Keeps what Ray prints, mostly past every logger and past `sys.stdout`, off terminals and notebooks."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def without_chatter() -> Iterator[TextIO]:
    """Keep what is printed on the process's own two streams off the terminal; yields the real stderr."""
    kept = {number: os.dup(number) for number in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with os.fdopen(os.dup(2), "w", buffering=1) as stderr:
        try:
            for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
                stream.flush()
                os.dup2(nowhere, number)
            yield stderr
        finally:
            for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
                stream.flush()
                os.dup2(kept[number], number)
            for descriptor in (*kept.values(), nowhere):
                os.close(descriptor)


@contextlib.contextmanager
def without_chatter_in_notebooks() -> Iterator[None]:
    """The same in a notebook, where `print` takes another way and still shows, and without advice to install widgets.
    Elsewhere, and in threads, the streams are left to the caller."""
    # builds of several threads would put back each other's streams
    if not is_notebook() or threading.current_thread() is not threading.main_thread():
        yield
        return
    _import_progress_bars()
    widgets = logging.getLogger("ray.widgets")
    level = widgets.level
    widgets.setLevel(logging.ERROR)
    try:
        with without_chatter():
            yield
    finally:
        widgets.setLevel(level)


def _import_progress_bars() -> None:
    """Import what Ray imports, which warns in a notebook without widgets."""
    with warnings.catch_warnings(), contextlib.suppress(ImportError):
        warnings.filterwarnings("ignore", message="IProgress not found")
        importlib.import_module("tqdm.auto")


def is_notebook() -> bool:
    """Whether this process is the kernel of a notebook; imports nothing to find out."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get_ipython is not None and hasattr(get_ipython(), "kernel")

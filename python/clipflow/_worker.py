"""The program ``clipflow-worker``, which the process backend starts as its workers."""

from __future__ import annotations

import importlib.metadata
import sys

from ._clipflow import run_if_worker


def main() -> None:
    """Serve tasks, if the process backend has started this."""
    run_if_worker()
    sys.exit("clipflow-worker is started by the process backend of clipflow; there is nothing to do otherwise")


def program() -> str | None:
    """The path of the program, if the package was installed with it."""
    try:
        files = importlib.metadata.files("clipflow") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [file.locate() for file in files if file.name == "clipflow-worker"]
    return str(found[0]) if found else None

"""Errors as exceptions."""

from __future__ import annotations


class ClipflowError(Exception):
    """An error of clipflow.

    ``code`` is stable (``docs/reference/error-codes.md`` lists them); ``message`` says in one sentence what happened
    and what to do about it.
    """

    code: str
    message: str

    def __init__(self, message: str, code: str = "internal") -> None:
        super().__init__(message, code)
        self.message = message
        self.code = code

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}"

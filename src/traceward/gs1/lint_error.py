"""The error value that component linters give back.

This module must not raise: a linter's verdict is a value, the caller decides what it means.
"""

from __future__ import annotations

from typing import NamedTuple


class LintError(NamedTuple):
    """What is wrong with a component (`code`), from which of its characters on, for how many.

    Codes are the names of GS1's Barcode Syntax Tests in lower case.
    """

    code: str
    position: int
    length: int

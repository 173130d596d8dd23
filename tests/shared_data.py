"""Finds the published vectors and examples that tests judge Traceward by; the product must not import it."""

import os
from pathlib import Path

import pytest

ENVIRONMENT_NAME = "TRACEWARD_SHARED"
CHECKOUT = Path(__file__).resolve().parents[1]


def shared_folder() -> Path:
    """The folder of shared data: that of TRACEWARD_SHARED, else `shared` beside the checkout; it may be absent."""
    named = os.environ.get(ENVIRONMENT_NAME)
    return Path(named).resolve() if named else CHECKOUT.parent / "shared"


def shared(path: str) -> Path:
    """The shared file or folder of that relative path; where it is absent, the calling test is skipped with the reason.

    Also fit for module level, where the whole module is then skipped.
    """
    found = shared_folder() / path
    if not found.exists():
        reason = f"shared test data '{path}' is not at {found}; set {ENVIRONMENT_NAME} to the folder that holds it"
        pytest.skip(reason, allow_module_level=True)
    return found

"""Finds the system libraries libdmtx and libzbar; says why one is missing; decodes nothing."""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass
from importlib import import_module, metadata
from types import ModuleType


@dataclass(frozen=True, slots=True)
class NativeLibrary:
    """A Python binding with the system library behind it, or the reason why it cannot be used."""

    package: str
    system_package: str
    module: ModuleType | None
    missing: str | None

    @property
    def available(self) -> bool:
        """Whether the engine can be called."""
        return self.module is not None

    @property
    def version(self) -> str:
        """The binding's version."""
        return metadata.version(self.package)


def _load(package: str, module: str, system_package: str) -> NativeLibrary:
    try:
        with warnings.catch_warnings():
            # pylibdmtx 0.1.10 imports distutils; test_pylibdmtx_still_imports_distutils tells when it no longer does.
            warnings.simplefilter("ignore", DeprecationWarning)
            loaded = import_module(module)
    except (ImportError, OSError) as error:
        reason = (
            f"{error}; install the system package {system_package} (Debian, Ubuntu: apt-get install {system_package})"
        )
        return NativeLibrary(package, system_package, None, reason)
    return NativeLibrary(package, system_package, loaded, None)


@functools.cache
def libdmtx() -> NativeLibrary:
    """The low-level pylibdmtx module, if libdmtx is installed."""
    return _load("pylibdmtx", "pylibdmtx.pylibdmtx", "libdmtx0b")


@functools.cache
def libzbar() -> NativeLibrary:
    """The pyzbar module, if libzbar is installed."""
    return _load("pyzbar", "pyzbar.pyzbar", "libzbar0")

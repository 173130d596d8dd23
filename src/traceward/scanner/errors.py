"""What can go wrong before or while a picture is read; a picture without a symbol is none of these.

ScannerError
├── NotAPicture          the bytes are no picture that the scanner accepts
├── PictureTooLarge      more pixels than the scanner decodes
└── ScannerUnavailable   the worker died, hung or is not to be had
"""


class ScannerError(Exception):
    """The root of the scanner's errors; `code` names the case for programs."""

    code = "scanner_error"


class NotAPicture(ScannerError):
    """The bytes are not a PNG, JPEG or WebP picture that can be decoded."""

    code = "not_a_picture"


class PictureTooLarge(ScannerError):
    """The picture's header announces more pixels than are decoded."""

    code = "picture_too_large"


class ScannerUnavailable(ScannerError):
    """The scan did not finish: the worker was killed, ran out of its limits, or none was free."""

    code = "scanner_unavailable"

"""What can be wrong with a label that someone asks for."""


class LabelError(ValueError):
    """The label cannot be drawn; the message says what was given and what was expected."""

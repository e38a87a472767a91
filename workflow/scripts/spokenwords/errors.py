"""The error that a user can correct."""


class UserError(Exception):
    """An error that the user can correct.

    Its message is a sentence that says what is wrong, where (file or config key) and what to do.
    It is reported without a traceback.
    """

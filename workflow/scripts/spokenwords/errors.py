"""The exception for errors that the user can correct."""


class UserError(Exception):
    """An error that the user can correct; it is reported without a traceback.

    Its message is a sentence: what is wrong, where (file or config key), and what to do.
    """

"""The one exception that is meant for the user."""


class UserError(Exception):
    """A fault that the user can mend.

    Its message is a sentence that says what is wrong, where (file or config key) and what to do.
    It is shown without a traceback.
    """

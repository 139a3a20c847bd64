"""Errors with an explanation for the user.

Owns ``ExplainedError``. Must not know what raises it or how it is shown.
"""


class ExplainedError(Exception):
    """An error with a message for the user.

    ``cause`` says what failed, in one or more lines. ``remedy`` is what the user can do about it,
    and empty if that is unknown. ``not_running`` is true if no process listens at the endpoint.
    ``needs_password_at`` is the endpoint at which a password would help, and empty if none would.
    """

    def __init__(
        self,
        cause: str,
        remedy: str = "",
        *,
        not_running: bool = False,
        needs_password_at: str = "",
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.remedy = remedy
        self.not_running = not_running
        self.needs_password_at = needs_password_at

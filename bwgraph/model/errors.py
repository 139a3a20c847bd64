"""Errors in words for the user. Owns ``ExplainedError``; must not know who raises or shows it."""


class ExplainedError(Exception):
    """Why there is no connection, in words for the user.

    ``cause`` is one plain statement of what came back, ``remedy`` what can be done about it (empty
    where nothing is known). ``not_running`` says that nobody was there at all, and
    ``needs_password_at``
    names the place where a password would be the cure.
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

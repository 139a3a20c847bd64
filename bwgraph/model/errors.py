"""Errors in words for the user. Owns ``Refusal``; must not know who raises or shows it."""


class Refusal(Exception):
    """Why there is no connection, in words for the user.

    ``cause`` is one plain statement of what came back, ``cure`` what can be done about it (empty
    where nothing is known). ``absent`` says that nobody was there at all, and ``password_for``
    names the place where a password would be the cure.
    """

    def __init__(
        self, cause: str, cure: str = "", *, absent: bool = False, password_for: str = ""
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.cure = cure
        self.absent = absent
        self.password_for = password_for

"""The one error type of the lab: what failed, why, and what to do about it (always three lines for the user)."""


class LabError(Exception):
    """A failure that a user can understand. `exit_code`: 1 failed, 2 wrong usage, 3 no such object, 4 precondition."""

    def __init__(self, what, why, fix, exit_code=1):
        super().__init__(what)
        self.what, self.why, self.fix, self.exit_code = what, why, fix, exit_code

    def __str__(self):
        return f"lab: {self.what}\n  why: {self.why}\n  fix: {self.fix}"

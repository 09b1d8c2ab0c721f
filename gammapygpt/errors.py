"""What goes wrong that is not a failed script, in two kinds; a failed script is a result (`state.Attempt`)."""


class GammapyGPTError(RuntimeError):
    """One clear line for the user, with what to do next.

    A `RuntimeError`, whose words LangGraph's server passes on to its user; of others it says that they occurred.
    """

    exit_code = 3

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UserError(GammapyGPTError):
    """The user's mistake: a wrong argument, an unknown key, a missing file (exit code 2)."""

    exit_code = 2


class Stopped(GammapyGPTError):
    """The program was told to end, and has brought what it was at to a point from where it goes on (exit code 143)."""

    exit_code = 143


class Terminated(KeyboardInterrupt):
    """A signal that ends a program as Ctrl-C does; only the exit code tells which it was."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


class InfrastructureError(GammapyGPTError):
    """The sandbox, the model server or the data broke; never the script's fault, never an attempt (exit code 3)."""

    exit_code = 3


class Difference(Exception):
    """A replayed run does something else than its record says; never shown as an error, see `replay.py`.

    Parameters
    ----------
    where : str
        The call or the attempt, e.g. `question critic-1`.
    what : str
        What is different, in a line.
    before, now : str
        The two texts, where it is texts that differ.
    """

    def __init__(self, where: str, what: str, before: str = "", now: str = "") -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what
        self.before = before
        self.now = now

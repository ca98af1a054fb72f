"""Why a server of MLflow cannot be used, in words of our own.

What a server answers is never repeated: a page that says what went wrong may hold the request, with user and password.
Of its words only the status counts, a number, and MLflow's name of an error, if it is one that MLflow knows.
"""

import os
import re
import socket
from collections.abc import Iterator
from http import HTTPStatus

__all__ = ["server_reason"]

STATUS = re.compile(r"failed with error code (\d{3}) != |too many (\d{3}) error responses")  # as the client words it
GENERAL = "INTERNAL_ERROR"


def server_reason(error: Exception) -> str:
    """Return why a call of MLflow's client failed."""
    causes = list(_causes(error))
    found = next(filter(None, map(_status, causes)), None) or next(filter(None, map(_in_words, causes)), None)
    return found or _name(error)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those behind it."""
    seen = list[BaseException]()
    while error is not None and not any(error is one for one in seen):
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__


def _status(error: BaseException) -> str | None:
    """Return the status of the answer, if the client names one; what it quotes of the answer comes later."""
    from requests import HTTPError  # loaded with MLflow's client

    if isinstance(error, HTTPError) and error.response is not None:
        return _phrase(int(error.response.status_code))
    found = STATUS.search(str(error).partition("Response body:")[0])
    return _phrase(int(found[1] or found[2])) if found else None


def _phrase(status: int) -> str:
    known = [one.phrase for one in HTTPStatus if one == status]
    return " ".join(["it answers with status", str(status), *known])


def _in_words(error: BaseException) -> str | None:
    """Return what an error of the network, or of the library that talks to servers, says by its kind alone."""
    from requests import exceptions

    if isinstance(error, exceptions.TooManyRedirects):
        return "it redirects without end"
    if isinstance(error, exceptions.Timeout | TimeoutError):
        return "no answer in time"
    if isinstance(error, socket.gaierror):
        return "no machine has this name"
    if isinstance(error, OSError) and error.errno and not isinstance(error, exceptions.RequestException):
        return os.strerror(error.errno)
    return None


def _name(error: Exception) -> str:
    """Return MLflow's name of an error; the client has none, or a general one, for an answer that it cannot read."""
    code = getattr(error, "error_code", GENERAL)
    return "its answer is none of MLflow's" if code == GENERAL else f"it answers with the error {code}"

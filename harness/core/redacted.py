"""Text without secrets: what others say, such as a server, may repeat a password that it was sent."""

from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

__all__ = ["redacted"]

HIDDEN = "***"


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with `***` in place of each secret: as it is, as it stands in an address, in base64 or in hex.

    >>> redacted("no entry for s3 cret, s3%20cret", ["s3 cret"])
    'no entry for ***, ***'
    """
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):  # one may be a part of another
        text = text.replace(form, HIDDEN)
    return text


def _forms(secret: str) -> list[str]:
    raw = secret.encode()
    return [secret, quote(secret, safe=""), quote(secret), quote_plus(secret), b64encode(raw).decode(), raw.hex()]

import base64
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from harness.core.redacted import redacted


@given(st.text(st.characters(codec="utf-8"), min_size=3).filter(lambda secret: "*" not in secret))
def test_no_form_of_a_secret_is_left(secret: str) -> None:
    forms = [secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode(), secret.encode().hex()]

    text = redacted(f"it said: {' / '.join(forms)}", [secret, ""])

    assert [form for form in forms if form in text.removeprefix("it said: ")] == []


def test_without_secrets_a_text_stays_as_it_is() -> None:
    assert redacted("refused", [""]) == "refused"

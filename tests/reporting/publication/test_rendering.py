from harness.reporting.publication.rendering import _code, _environment, _fenced, _html_value, _markdown_value


def test_markdown_signs_are_written_as_themselves() -> None:
    written = str(_markdown_value("a | *b* `c` [d](e) $f$ <g> & 'h'"))

    assert written == "a \\| \\*b\\* \\`c\\` \\[d\\](e) \\$f\\$ &lt;g&gt; &amp; 'h'"


def test_words_of_others_are_no_markup_on_the_page() -> None:
    page = _environment(_html_value).from_string("<p>{{ words }}</p>")

    assert page.render(words='<script> & "') == "<p>&lt;script&gt; &amp; &#34;</p>"


def test_what_is_no_text_passes_unchanged() -> None:
    assert _markdown_value(3) == 3
    assert _html_value(None) is None


def test_backticks_cannot_end_a_code_span() -> None:
    assert _code("a`b") == "ab"


def test_a_line_of_a_code_block_keeps_its_backticks_and_cannot_end_the_block() -> None:
    assert _fenced("run 'a`b' <c>") == "run 'a`b' <c>"
    assert _fenced("```\n# title") == " ``` # title"

from harness.reporting.tables.glossary import glossary_table


def test_every_word_has_one_meaning() -> None:
    rows = glossary_table().rows

    words = [word for word, _ in rows]
    assert len(words) == len(set(words)) > 10
    assert all(meaning.endswith((".", ")")) for _, meaning in rows)

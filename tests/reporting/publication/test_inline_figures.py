from harness.reporting.figures._compact import drawing_of
from harness.reporting.figures._style import applied, new_figure, svg
from harness.reporting.publication.inline_figures import inline_figures


def drawn(title: str) -> bytes:
    with applied():
        figure = new_figure(5, 2)
        figure.subplots().set_title(title)
        return svg(figure)


def test_what_two_figures_share_is_defined_once() -> None:
    files = {"one": drawn("loss"), "other": drawn("loss of known classes")}

    page = inline_figures(files)

    names = {name for content in files.values() for name in drawing_of(content).definitions}
    assert [page.definitions.count(f' id="{name}"') for name in names] == [1] * len(names)
    styles = {name for content in files.values() for name in drawing_of(content).styles}
    assert [page.styles.count(f".{name}{{") for name in styles] == [1] * len(styles)


def test_a_figure_is_as_wide_as_its_letters_ask_for() -> None:
    own = inline_figures({"one": drawn("loss")}).figures["one"]

    assert (own.width, own.height, own.view_box) == (520, 208, "0 0 360 144")
    assert "xlink" not in own.body
    assert 'href="#' in own.body


def test_a_page_without_figures_defines_nothing() -> None:
    assert inline_figures({}).definitions == ""

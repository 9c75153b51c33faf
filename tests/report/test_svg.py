import subprocess
import sys
import xml.etree.ElementTree as ET

import matplotlib as mpl
import pytest

from digitedge.errors import NotPresentError
from digitedge.report import svg


def draw(figure, palette):
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "o-", color=palette.first)
    axes.plot([0, 1], [1, 0], color=palette.bad)
    axes.set_title("a $x$ < b & 二")


def inline(name="test", label='a "label" <here>'):
    return svg.inline(draw, (3, 2), name=name, label=label)


def test_it_is_one_element_in_the_colours_of_the_page():
    text = inline()
    root = ET.fromstring(text)  # noqa: S314 (our own text)
    assert root.tag == "svg"
    assert root.attrib["aria-label"] == 'a "label" <here>'
    assert root.attrib["viewBox"] == "0 0 216 144"
    assert "max-width: 288px" in root.attrib["style"]
    assert not {"width", "height"} & root.attrib.keys()
    for colour in ("currentColor", "var(--faint)", "var(--first)", "var(--bad)"):
        assert colour in text
    assert "#0" not in text.replace('href="#', "")


def test_it_refers_to_nothing_outside_and_styles_nothing_around_it():
    text = inline()
    for forbidden in ("http", "<style", "<!DOCTYPE", "<?xml", "xlink", "DejaVu", "<metadata"):
        assert forbidden not in text


def test_text_stays_text_and_a_dollar_stays_a_dollar():
    assert ">a $x$ &lt; b &amp; 二<" in inline()


def test_identifiers_of_two_charts_differ_and_are_the_same_next_time():
    def identifiers(text):
        return {element.attrib["id"] for element in ET.fromstring(text).iter() if "id" in element.attrib}  # noqa: S314

    assert inline() == inline()
    assert identifiers(inline("one"))
    assert not identifiers(inline("one")) & identifiers(inline("two"))


def test_png_is_the_same_each_time():
    assert svg.png(draw, (3, 2)).startswith(b"\x89PNG")
    assert svg.png(draw, (3, 2)) == svg.png(draw, (3, 2))


def test_settings_hold_only_inside():
    before = dict(mpl.rcParams)
    inline()
    assert dict(mpl.rcParams) == before


def test_pyplot_is_never_loaded():
    code = (
        "import sys; from digitedge.report import charts\n"
        "charts.curves({k: [.1] for k in ('loss', 'val_loss', 'accuracy', 'val_accuracy', 'learning_rate')})\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "False\n"


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(NotPresentError, match=r'^matplotlib is not installed.*pip install "digitedge\[report\]"$'):
        inline()

import pytest

from digitedge.report.lettering import fitting, fonts_for


def glyph(font, letter):
    return bytes(font.getmask(letter))


@pytest.mark.parametrize("letter", ["é", "→", "Ж", "–"])  # noqa: RUF001
def test_letters_beyond_ascii_are_drawn_and_not_boxed(letter):
    for font in fonts_for([letter]):
        assert glyph(font, letter) != glyph(font, "\uffff")


def test_ascii_is_drawn_by_pillow_s_own():
    assert [font.getname()[0] for font in fonts_for(["3", "four…"])] == ["Aileron", "Aileron"]


def test_without_matplotlib_pillow_s_own_draws_everything(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    font, _ = fonts_for(["3 → 5"])
    assert font.getname()[0] == "Aileron"
    assert fitting("3 → 5", font, 900) == "3 > 5"
    assert glyph(font, ">") != glyph(font, "\uffff")


def test_what_does_not_fit_ends_in_an_ellipsis():
    font, _ = fonts_for(["a"])
    shown = fitting("a long name of a class", font, 90)
    assert shown.startswith("a long")
    assert shown.endswith("…")
    assert font.getlength(shown) <= 90
    assert fitting("3 → 5", fonts_for(["→"])[0], 900) == "3 → 5"
    assert fitting("short", font, 90) == "short"
    assert fitting("a\nb\x1b", font, 900) == r"a\nb\x1b"

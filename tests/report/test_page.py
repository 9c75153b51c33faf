import json
import re
import sys
from html.parser import HTMLParser

import pytest

from digitedge.errors import ContentError, NotPresentError
from digitedge.report.page import write

VOID = {"meta", "img", "br", "hr", "input", "link"}


class Strict(HTMLParser):
    """Fails on a tag that is closed out of order; collects text and tags."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.ids, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parse(page):
    parser = Strict()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture
def page(run_folder):
    return write(run_folder).read_text()


def test_the_parser_of_these_tests_notices_a_wrong_nesting():
    with pytest.raises(AssertionError):
        parse("<p><b></p></b>")


def test_the_page_is_well_formed_and_no_identifier_stands_twice(page):
    parser = parse(page)
    assert page.startswith("<!doctype html>")
    assert len(parser.ids) == len(set(parser.ids))
    assert page.count('role="img"') == 3


def test_nothing_is_fetched(page):
    sources = re.findall(r'src="([^"]*)', page)
    assert sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    words = re.sub(r'src="[^"]*"', "", page)
    assert not re.search(r"https?:|//|@import|url\((?!#)|<script|<link|srcset", words)
    assert "default-src 'none'" in page


def test_names_are_escaped_everywhere(page):
    assert "<b>zero" not in page
    assert "&lt;b&gt;zero&lt;/b&gt;" in page
    assert "$one$" in page
    assert "二" in page


def test_every_figure_stands_in_it(page):
    text = " ".join(" ".join(parse(page).text).split())
    for figure in (
        "203,933 parameters",
        "83.33 %",
        "91.23 %",
        "55,200",
        "15,200",
        "12 of 12",
        "9 of 12",
        "2.4e-07",
        "75.75–100 %",  # noqa: RUF001
        "83.33 % (83.33 %)",
        "0.62",
        "ONNX Runtime 1.31.1",
        "1.0e-08",
        "138.6 dB",
        "-0.51",
        "3.22 % (3.33 %)",
        "1.5e-07",
        "no label of 12 changes",
        "two labels in a thousand",
        "60 µs",
        "49 µs",
        "31 MB",
        "818 kB",
        "214 kB",
        "1" * 64,
        "ab" * 32,
        "cd" * 32,
        "ef" * 32,
        "2.21.0",
        "Ship classic.fp32.tflite.",
        "20,000 calls each",
    ):
        assert figure in text, figure


def test_what_failed_stands_on_top(page):
    text = " ".join(" ".join(parse(page).text).split())
    top = text[: text.index("The data")]
    assert "classic.fp32.tflite failed: 3 of 12 images get another label; none may." in top
    assert "1 of 2 files passed" in top
    assert 'class="verdict failed"' in page


def test_flips_are_shown_with_both_labels_and_the_missing_are_counted(page):
    text = " ".join(" ".join(parse(page).text).split())
    assert "classic.fp32.tflite: 3 images with another label than model.keras gives" in text
    assert "$one$ → not finite is <b>zero</b> · #3 80.0 % → – margin 0.7 → –" in text  # noqa: RUF001
    assert "<b>zero</b> → 二 is 二 · #5 80.0 % → 60.0 % margin 0.5 → 0.25" in text
    assert "2 of 3 are shown, surest first." in text


def test_predictions_and_mistakes_are_pictures(page):
    text = " ".join(" ".join(parse(page).text).split())
    assert "Ten predictions" in text
    assert "The most confident mistakes <b>zero</b> 90.0 %, is 二 $one$ 80.0 %, is <b>zero</b>" in text
    assert page.count("<img ") == 3 + 2 + 2 + 10


def test_the_same_folder_gives_the_same_page(run_folder, page):
    assert write(run_folder).read_text() == page


def test_all_well_is_not_called_a_failure(run_folder, rewrite, verify_document):
    rewrite(run_folder / "verify.json", **verify_document)
    page = write(run_folder).read_text()
    assert 'class="verdict"' in page
    assert "2 exported files verified against model.keras: all passed." in page
    assert "with another label than" not in page
    assert "No label changes in any class." in page


@pytest.mark.parametrize(
    ("missing", "heading"),
    [
        ("bench.json", "How fast"),
        ("verify.json", "Does each file decide as the original does?"),
        ("train.json", "Training"),
        ("golden.npz", "Ten predictions"),
    ],
)
def test_a_section_without_its_document_is_left_out(run_folder, page, missing, heading):
    assert f"<h2>{heading}</h2>" in page
    (run_folder / missing).unlink()
    shorter = write(run_folder).read_text()
    parse(shorter)
    assert f"<h2>{heading}</h2>" not in shorter


@pytest.mark.parametrize(
    ("kept", "words"),
    [("train.json", "Nothing has been exported yet"), ("golden.npz", "Ten predictions"), ("bench.json", "How fast")],
)
def test_one_document_alone_gives_a_page(run_folder, kept, words):
    for path in run_folder.iterdir():
        if path.name != kept:
            path.unlink()
    page = write(run_folder).read_text()
    parse(page)
    assert words in page


def test_a_golden_reference_of_another_model_is_named(run_folder, page, rewrite):
    assert "recorded from another model" not in page
    rewrite(run_folder / "train.json", source_digest="99" * 32)
    assert "golden.npz was recorded from another model (abab" in write(run_folder).read_text()


def test_rows_that_are_not_valid_are_shown_but_not_drawn(run_folder, bench_document, rewrite):
    rows = [row | {"valid": False, "reason": "only 3 calls"} for row in bench_document["results"]]
    rewrite(run_folder / "bench.json", results=rows)
    page = write(run_folder).read_text()
    assert "classic.fp32.onnx on cpu: only 3 calls." in page
    assert page.count("<svg") == 2
    assert "Fastest call" not in page


@pytest.mark.parametrize(
    ("name", "changes"),
    [("train.json", {"history": {}}), ("bench.json", {"results": [{}]}), ("train.json", {"split": 3})],
)
def test_a_document_without_its_figures_is_refused_and_nothing_is_written(run_folder, rewrite, name, changes):
    rewrite(run_folder / name, **changes)
    with pytest.raises(ContentError, match=r"a document in .* cannot be understood: .* Make it again"):
        write(run_folder)
    assert not (run_folder / "report.html").exists()


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_without_its_packages_the_error_says_what_to_install(run_folder, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(NotPresentError, match=rf'^{package} is not installed.*pip install "digitedge\[report\]"$'):
        write(run_folder)


def test_the_network_is_listed_with_what_it_costs(run_folder):
    page = write(run_folder).read_text()
    assert "203,933 parameters, 1,035,900 multiply-accumulates an image" in page
    assert "<td>24 x 24 x 30</td>" in page
    assert "432,000" in page


def test_an_early_end_is_said(run_folder):
    train = json.loads((run_folder / "train.json").read_text())
    (run_folder / "train.json").write_text(json.dumps(train | {"stopped": "the time was <over>"}))
    assert "It ended before its last epoch: the time was &lt;over&gt;." in write(run_folder).read_text()

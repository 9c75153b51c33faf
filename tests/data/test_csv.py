import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from digitedge.data import csv, memory
from digitedge.errors import ContentError

HEADER = "label,pixel0,pixel1,pixel2,pixel3"
GOOD = f"{HEADER}\n1,0,255,7,8\n0,9,10,11,12\n"


def write(folder, text, *, name="x.csv"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def refusal(source):
    with pytest.raises(ContentError) as caught:
        csv.read(source)
    return str(caught.value)


def test_a_labelled_file_is_read_as_square_images(tmp_path):
    source = write(tmp_path, GOOD)
    splits = csv.read(source)
    assert splits.test is None
    assert splits.train.images[..., 0].tolist() == [[[0, 255], [7, 8]], [[9, 10], [11, 12]]]
    assert splits.train.labels.dtype == np.int64
    assert splits.train.labels.tolist() == [1, 0]
    assert (splits.train.classes, splits.train.name) == (("0", "1"), source)


def test_a_file_without_label_is_unlabelled(tmp_path):
    train = csv.read(write(tmp_path, "pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n")).train
    assert (train.labels, train.classes, train.images.ravel().tolist()) == (None, (), [1, 2, 3, 4])


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 6), st.just(3), st.just(3))),
    st.data(),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", '"']),
)
def test_what_is_written_is_read_back(tmp_path_factory, images, data, line_end, quote):
    labels = data.draw(st.lists(st.integers(0, 99), min_size=len(images), max_size=len(images)).filter(any))
    rows = [["label", *(f"pixel{i}" for i in range(9))]]
    rows += [[label, *image.ravel()] for label, image in zip(labels, images, strict=True)]
    text = line_end.join(",".join(f"{quote}{field}{quote}" for field in row) for row in rows)
    text += data.draw(st.sampled_from(["", line_end]))
    train = csv.read(write(tmp_path_factory.mktemp("csv"), text)).train
    np.testing.assert_array_equal(train.images[..., 0], images)
    assert train.labels.tolist() == labels
    assert len(train.classes) == max(labels) + 1


@pytest.mark.parametrize("pixels", ["pixel0,pixel1,pixel2,pixel3", "pixel1,pixel2,pixel3,pixel4", "1x1,1x2,2x1,2x2"])
def test_the_three_spellings_of_the_header_are_read(tmp_path, pixels):
    train = csv.read(write(tmp_path, f"label,{pixels}\n1,0,255,7,8\n0,9,10,11,12\n")).train
    assert train.images[0].ravel().tolist() == [0, 255, 7, 8]


def test_the_byte_order_mark_of_a_spreadsheet_is_no_part_of_the_header(tmp_path):
    assert len(csv.read(write(tmp_path, b"\xef\xbb\xbf" + GOOD.encode())).train) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,2,3,4", "line 3 has 4 columns, and the header 5. Complete or remove the line."),
        ("1,2,3,4,5,6", "line 3 has 6 columns, and the header 5. Complete or remove the line."),
        ("", "line 3 has 1 columns, and the header 5. Complete or remove the line."),
        ("1,2,x,4,5", "line 3 has the pixel 'x'. It must be a whole number from 0 to 255."),
        ("1,2,300,4,5", "line 3 has the pixel '300'. It must be a whole number from 0 to 255."),
        ("1,2,256,4,5", "line 3 has the pixel '256'. It must be a whole number from 0 to 255."),
        ("1,2,-1,4,5", "line 3 has the pixel '-1'. It must be a whole number from 0 to 255."),
        ("1,2,2.5,4,5", "line 3 has the pixel '2.5'. It must be a whole number from 0 to 255."),
        ("1,2,NaN,4,5", "line 3 has the pixel 'NaN'. It must be a whole number from 0 to 255."),
        ("1,2,,4,5", "line 3 has the pixel ''. It must be a whole number from 0 to 255."),
        ("-1,2,3,4,5", "line 3 has the label '-1'. It must be a whole number from 0 to 65535."),
        ("2.5,2,3,4,5", "line 3 has the label '2.5'. It must be a whole number from 0 to 65535."),
        ("nan,2,3,4,5", "line 3 has the label 'nan'. It must be a whole number from 0 to 65535."),
        (",2,3,4,5", "line 3 has the label ''. It must be a whole number from 0 to 65535."),
        ("65536,2,3,4,5", "line 3 has the label '65536'. It must be a whole number from 0 to 65535."),
        (f"{'9' * 5000},2,3,4,5", f"line 3 has the label '{'9' * 40}...'. It must be a whole number from 0 to 65535."),
    ],
)
def test_a_line_that_does_not_fit_is_named(tmp_path, line, message):
    source = write(tmp_path, f"{HEADER}\n1,0,255,7,8\n{line}\n0,9,10,11,12\n")
    assert refusal(source) == f"{source}, {message}"


def test_a_file_cut_off_in_the_middle_of_a_line_names_the_line(tmp_path):
    source = write(tmp_path, GOOD[:-6])
    assert refusal(source).startswith(f"{source}, line 3 has 4 columns")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("1,2,3,4,5", "'1,2,3,4,5'"),
        ("label", "'label'"),
        ("pixel0,label", "'pixel0,label'"),
        ("label,pixel0,pixel2,pixel1,pixel3", "'label,pixel0,pixel2,pixel1,pixel3'"),
        ("Label,pixel0", "'Label,pixel0'"),
        ("label,pixel0,pixel1,pixel2,pixel3,pixel4,split", "'label,pixel0,pixel1,pixel2,pixel3,pixel4...'"),
    ],
)
def test_another_header_is_refused(tmp_path, header, found):
    source = write(tmp_path, f"{header}\n1,2,3,4,5\n")
    hint = "The first line must be label,pixel0,pixel1,... or pixel0,pixel1,..."
    assert refusal(source) == f"{source} begins with {found}. {hint}"


def test_images_that_are_not_square_are_refused(tmp_path):
    source = write(tmp_path, "label,pixel0,pixel1,pixel2\n1,2,3,4\n")
    assert refusal(source).startswith(f"{source} has 3 pixels an image. The images must be square")


def test_a_header_alone_is_refused(tmp_path):
    source = write(tmp_path, f"{HEADER}\n")
    assert refusal(source) == f"{source} has a header and no images. Write one image a line below it."


@pytest.mark.parametrize("data", [b"\n\r\n", b"\xef\xbb\xbf", b"PK\x03\x04\xff\xfe", "label,pixel0".encode("utf-16")])
def test_bytes_that_are_no_table_are_refused(tmp_path, data):
    assert "begins with" in refusal(write(tmp_path, data))


def test_labels_that_are_all_0_are_refused(tmp_path):
    assert "every label is 0" in refusal(write(tmp_path, f"{HEADER}\n0,1,2,3,4\n"))


def test_the_suffix_is_what_counts_in_any_case(tmp_path):
    assert csv.accepts(str(tmp_path / "missing.CSV"))
    (tmp_path / "folder.csv").mkdir()
    assert not csv.accepts(str(tmp_path / "folder.csv"))


def test_quotes_around_some_fields_change_nothing_and_around_several_they_do(tmp_path):
    assert csv.read(write(tmp_path, GOOD.replace("255", '"255"'))).train.images[0, 0, 1, 0] == 255
    source = write(tmp_path, GOOD.replace("255,7", '"255,7"'))
    assert refusal(source) == f"""{source}, line 2 has the pixel '"255'. It must be a whole number from 0 to 255."""


@pytest.mark.parametrize("block", [1, 2, 3, 5, 50])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blocks_may_part_a_line_anywhere(tmp_path, monkeypatch, block, end):
    monkeypatch.setattr(csv, "_BLOCK_BYTES", block)
    train = csv.read(write(tmp_path, GOOD.replace("\n", end) + end)).train
    assert train.images.ravel().tolist() == [0, 255, 7, 8, 9, 10, 11, 12]
    assert train.labels.tolist() == [1, 0]


def test_an_empty_line_between_images_is_named_by_its_number(tmp_path):
    source = write(tmp_path, f"{HEADER}\n1,2,3,4,5\n\n\n1,2,3,4,5\n\n")
    assert refusal(source) == f"{source}, line 3 has 1 columns, and the header 5. Complete or remove the line."


@pytest.mark.parametrize(("begin", "number"), [("", 1), (f"{HEADER}\n", 2), (GOOD, 4)])
def test_a_line_without_an_end_is_not_read_to_its_end(tmp_path, monkeypatch, begin, number):
    monkeypatch.setattr(csv, "LONGEST_LINE_BYTES", 200)
    monkeypatch.setattr(csv, "_BLOCK_BYTES", 50)
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    path = tmp_path / "x.csv"
    path.write_text(begin)
    with path.open("r+b") as stream:
        stream.truncate(10**12)  # sparse: it takes no room on the disk, and would take 1 TB of memory
    assert refusal(str(path)) == f"{path}, line {number} has more than 200 bytes. That is no table of images."


def test_a_large_file_that_is_no_table_of_images_is_refused_by_its_first_line(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("name,age\n")
    with path.open("r+b") as stream:
        stream.truncate(10**12)
    assert refusal(str(path)).startswith(f"{path} begins with 'name,age'. The first line must be label,pixel0")


def test_more_images_than_the_memory_holds_are_refused_before_they_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 10**9)
    path = tmp_path / "x.csv"
    path.write_text(GOOD)
    with path.open("r+b") as stream:
        stream.truncate(6 * 10**9)
    cure = "Divide it, or use a machine with more memory."
    assert refusal(str(path)) == f"{path} takes 2.0 GB of memory, and 1.0 GB are free. {cure}"


def test_the_text_is_never_in_memory_as_a_whole(tmp_path, monkeypatch):
    header = ",".join(["label", *(f"pixel{index}" for index in range(784))])
    text = f"{header}\n" + f"1{',255' * 784}\n" * 1_000  # 3 MB, of which the pixels are 0.8
    source = write(tmp_path, text)
    monkeypatch.setattr(csv, "_BLOCK_BYTES", 2**16)
    tracemalloc.start()
    try:
        assert csv.read(source).train.images.shape == (1_000, 28, 28, 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(text) / 2

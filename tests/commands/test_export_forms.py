"""digitedge export in other formats and precisions, and what it says of each layer."""

from pathlib import Path

from digitedge.files import sha256


def test_a_precision_that_a_format_cannot_hold_says_what_does_and_loads_nothing(digitedge, own_run):
    ended = digitedge("export", "--to", "c99", "--fp16")
    assert (ended.code, ended.out) == (2, "")
    assert ended.error.startswith("c99 has no fp16; it can hold fp32 and int8. Leave out --fp16, or export only")


def test_max_drop_without_int8_is_2(digitedge, own_run):
    ended = digitedge("export", "--max-drop", "0.1")
    assert (ended.code, ended.error) == (2, "--max-drop is for integers. Add --int8, or leave it out.")


def test_explain_shows_every_layer_of_every_onnx_file(digitedge, trained):
    ended = digitedge("export", "--to", "onnx", "--int8", "--int8-weights", "--explain", "--json")
    assert ended.code == 0
    fp32, weights, int8 = ended.document["explain"]
    assert [Path(one["path"]).name.split(".")[1] for one in (fp32, weights, int8)] == ["fp32", "int8-weights", "int8"]
    for one, bits in ((fp32, 32), (weights, 8), (int8, 7)):
        assert [row["weight_bits"] for row in one["layers"] if row["weight_bits"]] == [bits] * 3
    assert all(row["sqnr_db"] is None or row["sqnr_db"] > 100 for row in fp32["layers"])
    assert all(row["sqnr_db"] < 60 for row in int8["layers"])


def test_explain_needs_an_onnx_file(digitedge, own_run):
    ended = digitedge("export", "--to", "tflite", "--explain")
    assert (ended.code, ended.error) == (2, "--explain is for .onnx files. Add --to onnx, or leave it out.")


def test_a_c_source_comes_with_its_header(digitedge, trained):
    document = digitedge("export", "--to", "c99", "--json").document
    (artifact,) = document["artifacts"]
    assert {path.name for path in trained.iterdir()} >= {"tiny.fp32.c", "tiny.fp32.h"}
    assert artifact["companions"] == {"tiny.fp32.h": sha256((trained / "tiny.fp32.h").read_bytes())}
    assert artifact["stored_bytes"] < artifact["size_bytes"] == (trained / "tiny.fp32.c").stat().st_size
    (trained / "tiny.fp32.h").write_text("/* another */")
    ended = digitedge("verify", "--json")
    assert ended.code == 3
    assert f"{trained / 'tiny.fp32.h'} has changed since it was exported" in ended.document["error"]["message"]
    assert digitedge("export", "--to", "c99").code == 2, "a file that is not whole is not kept"

"""Images per second by batch."""

from digitedge.report.throughput_table import throughput


def row(name, batch, images_per_s, **changes):
    return {
        "path": f"/runs/{name}", "provider": "cpu", "threads": 1, "batch": batch, "images_per_s": images_per_s,
        "valid": True, **changes,
    }  # fmt: skip


def test_one_batch_makes_no_table():
    assert throughput([row("a", 1, 10.0), row("b", 1, 20.0)]) is None
    assert throughput([row("a", 1, 10.0), row("a", 8, None, valid=False)]) is None


def test_a_line_for_each_file_with_several_batches_the_best_first():
    table = throughput([row("a", 8, 30.0), row("a", 1, 10.0), row("b", 1, 50.0), row("b", 64, 40.0), row("c", 1, 99.0)])
    assert table["batches"] == [1, 8, 64]
    assert [(line["file"], line["rates"], line["best"]) for line in table["lines"]] == [
        ("b", [50.0, None, 40.0], 50.0),
        ("a", [10.0, 30.0, None], 30.0),
    ]
    assert (table["threads"], table["ends"]) == (False, False)


def test_threads_ways_and_ends_are_kept_apart():
    ways = [{}, {"threads": 2}, {"end_to_end": True}, {"provider": "cuda", "io": "graph"}]
    table = throughput([row("a", batch, 10.0, **way) for way in ways for batch in (1, 8)])
    assert len(table["lines"]) == 4
    assert (table["threads"], table["ends"]) == (True, True)
    assert "cuda, graph" in {line["on"] for line in table["lines"]}

from digitedge.report.steps import show


def test_show(printed):
    document = {"data": "mnist", "labels": ["5", "0\x1b"], "augmentation": None, "picture": "/out/show.png"}
    assert printed(show.step(document)).splitlines() == [
        " show     mnist · 2 images · labels 5 0\\x1b",
        "          /out/show.png",
        "",
    ]


def test_show_without_labels(printed):
    out = printed(show.step({"data": "a.csv", "labels": [None], "augmentation": None, "picture": "/out/show.png"}))
    assert out.splitlines()[0] == " show     a.csv · 1 image"


def test_show_what_augmentation_does(printed):
    document = {"data": "mnist", "labels": ["5"], "augmentation": {"shift": 0.1}, "picture": "/out/show.png"}
    assert printed(show.step(document)).splitlines()[0].endswith("labels 5 · each as it is, then as training sees it")

from digitedge.report.steps import train


def test_train(printed, train_document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)
    lines = printed(train.step(train_document)).splitlines()
    assert lines == [
        " train    classic · 203,933 parameters · digits: 55,200 train, 4,800 validation, 12 test",
        "          2 epochs on CPU · 3.0 s, 1.5 s an epoch",
        "          validation 91.23 % · test 83.33 %",
        f"          {tmp_path.name}/model.keras",
        "",
    ]


def test_train_without_a_test_set_and_interrupted(printed, train_document):
    lines = printed(train.step(train_document | {"accuracy": None, "interrupted": True})).splitlines()
    assert lines[2].endswith(" · test –")  # noqa: RUF001 (what was not measured is an en dash)
    assert "Interrupted" in lines[3]

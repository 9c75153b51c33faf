from digitedge.report.steps import predict


def prediction(number):
    return {"source": f"/pictures/{number}.png", "label": "seven\x1b", "confidence": 0.998}


def test_predict(printed):
    lines = printed(predict.step({"predictions": [prediction(1)]})).splitlines()
    assert lines[1].split() == ["/pictures/1.png", "seven\\x1b", "99.8", "%"]
    assert printed(predict.step({"predictions": [prediction(1)]}), quiet=True) == "seven\\x1b  /pictures/1.png\n"


def test_predict_lists_twenty_and_says_how_many_more(printed):
    document = {"predictions": [prediction(number) for number in range(1_025)], "csv": "/out/result.csv"}
    lines = printed(predict.step(document)).splitlines()
    assert len(lines) == 1 + 20 + 1 + 1 + 1
    assert lines[-3].endswith("and 1,005 more; --csv FILE writes them all")
    assert lines[-2].endswith("/out/result.csv")
    assert printed(predict.step(document), quiet=True) == "/out/result.csv\n"

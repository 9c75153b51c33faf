from digitedge.report.steps import doctor


def test_doctor(printed):
    document = {
        "providers": [
            {"name": "cpu", "usable": True, "reason": None, "cure": None},
            {"name": "cuda", "usable": False, "reason": "needs " + "an NVIDIA GPU " * 10, "cure": "Buy one."},
        ],
        "packages": {"onnxruntime": "1.31.1", "ai-edge-litert": None},
        "conflicts": [],
    }
    out = printed(doctor.step(document))
    assert "cpu        usable\n" in out
    assert out.splitlines()[-2] == "          Nothing conflicts."
    assert max(len(line) for line in out.splitlines()) <= 100
    document["conflicts"] = [{"problem": "two own onnxruntime/", "cure": "Type: pip uninstall x"}]
    out = printed(doctor.step(document))
    assert "Type: pip uninstall x\n" in out
    assert out.splitlines()[-2] == "          1 conflict to mend."

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitedge.cluster import Cluster, cluster
from digitedge.errors import UsageError

SHAPE = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'


def read(document):
    return cluster({"TF_CONFIG": json.dumps(document)})


def config(workers=("a:1", "b:1"), index=0, **others):
    return {"cluster": {"worker": list(workers)}, "task": {"type": "worker", "index": index}} | others


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": ""}, {"OTHER": "x"}])
def test_without_the_variable_one_machine_trains_alone(environment):
    assert cluster(environment) is None


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (config(), Cluster(workers=2, rank=0)),
        (config(index=1), Cluster(workers=2, rank=1)),
        (config(workers=["a:1"]), Cluster(workers=1, rank=0)),
        (config(workers=[f"10.0.0.{n}:2222" for n in range(40)], index=39), Cluster(workers=40, rank=39)),
        (config(rpc_layer="grpc"), Cluster(workers=2, rank=0)),
    ],
)
def test_the_workers_and_which_of_them_this_is(document, expected):
    assert read(document) == expected


@pytest.mark.parametrize(
    "document",
    [
        config(index=2),
        config(index=-1),
        config(workers=[]),
        config(index="0"),
        config(index=0.5),
        config(index=True),
        config(index=None),
        config(workers="ab"),
        config(workers=[1, 2]),
        config(workers=["a:1", "a:1"]),
        config(workers=["a", "b"]),
        config(workers={"0": "a:1"}),
        config(task={"type": "chief", "index": 0}),
        config(task={"type": "ps", "index": 0}),
        config(task={"index": 0}),
        config(task=None),
        config(cluster=None),
        config(cluster=["a:1", "b:1"]),
        config(cluster={"chief": ["a:1"], "worker": ["b:1"]}),
        config(cluster={"worker": ["a:1"], "ps": ["b:1"]}),
        {},
        [],
        "worker",
        7,
        None,
    ],
    ids=json.dumps,
)
def test_whatever_names_no_worker_is_refused_with_the_shape_to_use(document):
    with pytest.raises(UsageError) as caught:
        read(document)
    assert str(caught.value).startswith("TF_CONFIG ")
    assert SHAPE in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["{", "worker 0", "{'cluster': {}}", "\0", "[" * 100_000])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(UsageError, match="TF_CONFIG cannot be understood: ") as caught:
        cluster({"TF_CONFIG": text})
    assert SHAPE in str(caught.value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.sampled_from(["worker", "a:1", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["cluster", "task", "worker", "type", "index", "chief"]), inner, max_size=4)
    ),
    max_leaves=8,
)
TASK = st.fixed_dictionaries({"type": st.just("worker") | JSON, "index": st.integers(-1, 3) | JSON})
ROLES = st.fixed_dictionaries({"worker": st.lists(st.just("a:1") | JSON, max_size=3) | JSON})
DOCUMENT = st.fixed_dictionaries({"cluster": ROLES | JSON, "task": TASK | JSON})


@given(document=DOCUMENT | JSON)
def test_any_document_is_a_worker_of_a_cluster_or_a_usage_error(document):
    try:
        found = read(document)
    except UsageError as error:
        assert SHAPE in str(error)
    else:
        workers = document["cluster"]["worker"]
        assert document["task"] == document["task"] | {"type": "worker", "index": found.rank}
        assert type(found.rank) is int
        assert 0 <= found.rank < found.workers == len(set(workers))
        assert all(isinstance(one, str) and ":" in one for one in workers)
        assert set(document["cluster"]) == {"worker"}

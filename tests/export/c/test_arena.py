import itertools

from hypothesis import given
from hypothesis import strategies as st

from digitedge.export.c.arena import ALIGNMENT, plan
from digitedge.export.c.program import Buffer, Program, Step


def step(reads, writes, scratch=None, in_place=False):
    return Step("s", "", "", tuple(reads), writes, scratch=scratch, in_place=in_place)


def chain(*counts, in_place=False):
    """A program of steps, each reading what the one before wrote."""
    buffers = [Buffer("float", count) for count in counts]
    steps = [step([a], b, in_place=in_place) for a, b in itertools.pairwise(buffers)]
    return Program(buffers[0], buffers[-1], tuple(steps)), buffers


def test_buffers_that_do_not_meet_share_memory():
    program, (_, a, b, c, _) = chain(5, 100, 50, 100, 5)
    arena = plan(program)
    assert arena.size_bytes == 4 * 150
    assert arena.offsets == {a: 0, b: 400, c: 0}


def test_what_belongs_to_the_caller_has_no_place():
    program, _ = chain(5, 5)
    assert plan(program).size_bytes == ALIGNMENT


def test_a_step_in_place_takes_no_memory_of_its_own():
    program, (_, a, b, _) = chain(5, 100, 100, 5, in_place=True)
    arena = plan(program)
    assert (arena.size_bytes, arena.offsets[a]) == (400, arena.offsets[b])


def test_a_step_is_not_in_place_where_its_input_is_read_later():
    image, a, b, scores = (Buffer("float", 10) for _ in range(4))
    steps = (step([image], a), step([a], b, in_place=True), step([b, a], scores))
    arena = plan(Program(image, scores, steps))
    assert arena.size_bytes == 80
    assert arena.offsets[a] != arena.offsets[b]


def test_scratch_lives_for_one_step():
    program, (_, a, b, scores) = chain(5, 10, 10, 5)
    scratch = Buffer("int8_t", 7)
    steps = (program.steps[0], step([a], b, scratch=scratch), program.steps[2])
    arena = plan(Program(program.image, scores, steps))
    assert arena.size_bytes == 88
    assert arena.offsets[scratch] % ALIGNMENT == 0


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3), st.booleans()), min_size=2, max_size=12))
def test_buffers_that_live_at_the_same_time_never_overlap(sizes):
    buffers = [Buffer("int8_t", count) for count, _, _ in sizes]
    steps = []
    for number in range(1, len(buffers)):
        back = min(number, 1 + sizes[number][1])
        steps.append(step([buffers[number - 1], buffers[number - back]], buffers[number], in_place=sizes[number][2]))
    program = Program(buffers[0], buffers[-1], tuple(steps))
    arena = plan(program)
    for number, one in enumerate(steps):
        last = [buffer for later in steps[number + 1 :] for buffer in later.reads]
        alive = {*one.reads, *last} & {*(s.writes for s in steps[:number])}
        if one.in_place and one.reads[0] not in last:
            alive.discard(one.reads[0])
        for other in alive - {one.writes}:
            if one.writes in arena.offsets and other in arena.offsets:
                apart = arena.offsets[one.writes] >= arena.offsets[other] + other.size_bytes
                assert apart or arena.offsets[other] >= arena.offsets[one.writes] + one.writes.size_bytes
    assert arena.size_bytes >= max((arena.offsets[b] + b.size_bytes for b in arena.offsets), default=0)

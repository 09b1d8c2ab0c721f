"""What gives way in a prompt that is too long: the oldest attempts first, then what was looked up, then the example."""

from gammapygpt.agents import coder
from gammapygpt.agents.shortening import ALL, Room, rooms
from gammapygpt.context import Context
from gammapygpt.state import Attempt, Critique, Plan, Request, Snippet

SNIPPETS = [Snippet(source=f"howto:{n}", title=f"How {n}", text=f"looked_up_{n} = 1\n" * 9) for n in range(4)]


def state(**more):
    how = {"author": "coder", "failure": "runtime"}
    failed = [Attempt(number=n, script=f"script{n} = 1\n", signature=str(n), summary=f"E{n}", **how) for n in (1, 2, 3)]
    plan = Plan(recipe="observation_list", uncovered=["the moon"])
    return {"request": Request(text="Count."), "plan": plan, "snippets": SNIPPETS, "attempts": failed, **more}


def conversation(to):
    """What the coder was asked in the first draft, and told of two failures."""
    first = coder.to_draft({**state(), "attempts": []}, Context(), able=True).messages
    turns = [message.model_dump() for message in first]
    for number in (1, 2):
        turns += [{"role": "assistant", "content": f"script{number}"}, {"role": "user", "content": f"E{number}"}]
    return {**to, "conversation": turns}


def told(asking, *words):
    text = "\n".join(message.content for message in asking.messages)
    return [word for word in words if word in text]


def test_there_is_less_and_less_room():
    assert list(rooms(2)) == [
        ALL,
        Room(1),
        Room(0),
        Room(0, pieces=0.5),
        Room(0, pieces=0.0),
        Room(0, pieces=0.0, example=False),
    ]
    assert Room(1).newest([1, 2, 3]) == [3]
    assert Room(0).newest([1, 2, 3]) == []
    assert Room(pieces=0.5).best([1, 2, 3, 4]) == [1, 2]


def test_of_a_conversation_the_oldest_repair_goes_first_then_the_reference_then_the_example():
    parts = ["script1", "script2", "script3", "looked_up_0", "looked_up_3", "# Draft"]
    left = [told(coder.to_repair(conversation(state()), Context(), able=True, room=room), *parts) for room in rooms(2)]
    assert left == [parts, parts[1:], parts[2:], [*parts[2:4], parts[5]], [parts[2], parts[5]], [parts[2]]]


def test_of_a_script_to_be_written_afresh_the_oldest_failures_go_first():
    parts = ["Draft 1 failed", "Draft 2 failed", "Draft 3 failed", "looked_up_0", "looked_up_3", "# Draft"]
    fresh = state(critique=Critique(action="fresh"))
    left = [told(coder.to_draft(fresh, Context(), able=True, room=room), *parts) for room in rooms(2)]
    assert left == [parts, parts[1:], parts[2:], [*parts[2:4], parts[5]], [parts[2], parts[5]], [parts[2]]]

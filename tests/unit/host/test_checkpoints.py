"""Which checkpoints belong to another life of a hub."""

import pytest

from infra.local.host.checkpoints import lies_beyond


@pytest.mark.parametrize(
    ("sequence", "offset", "last_sequence", "last_offset", "expected"),
    [
        (4, "400", 4, "400", False),
        (3, "300", 4, "400", False),
        (4, "400", 3, "300", True),
        (4, "400", 4, "350", True),
        (4, "400", -1, "-1", True),
        (4, "g1:77", 4, "g1:99", False),
    ],
)
def test_a_checkpoint_beyond_the_last_event_is_of_another_hub(
    sequence: int, offset: str, last_sequence: int, last_offset: str, *, expected: bool
) -> None:
    """A new hub can be shorter in events, in bytes, or be empty; offsets need not be numbers."""
    checkpoint = {"sequence_number": sequence, "offset": offset}
    properties = {"last_enqueued_sequence_number": last_sequence, "last_enqueued_offset": last_offset}

    assert lies_beyond(checkpoint, properties) is expected

"""What was loaded to stay is out of the collector's way."""

import gc

import pytest

from shared import memory


@pytest.fixture(autouse=True)
def _as_before() -> object:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_what_was_there_before_is_not_gone_through_again() -> None:
    """A full collection holds up the event loop for as long as it takes, again and again under load."""
    gc.unfreeze()

    memory.settle()

    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < 10_000
    assert gc.get_threshold()[0] >= 10_000

"""The Event Hubs trigger: when a checkpoint is written, and what comes again."""

from tests.integration.host.system import Instance, Sandbox, wait_until

ALL = {"0", "1"}


def start(sandbox: Sandbox) -> Instance:
    """Start a host and wait until it owns every partition."""
    host = sandbox.start()
    wait_until(lambda: host.partitions("captured") == ALL and host.partitions("retried") == ALL)
    return host


def test_a_batch_is_handed_over_with_what_the_hub_knows_of_it(sandbox: Sandbox) -> None:
    start(sandbox)

    sandbox.send(sandbox.hubs[0], "one", "two", partition="1")

    wait_until(lambda: sandbox.bodies("captured") == ["one", "two"])
    (note,) = sandbox.seen("captured")
    assert note["sequence"] == [0, 1]
    assert note["keys"] == [None, None]
    assert len(note["enqueued"]) == 2
    metadata = note["metadata"]
    context = metadata["PartitionContext"]
    assert (context["EventHubName"], context["PartitionId"], context["ConsumerGroup"]) == (
        sandbox.hubs[0],
        "1",
        "$Default",
    )
    assert metadata["PropertiesArray"] == [{"kind": "test", "size": 3}] * 2
    assert metadata["SequenceNumberArray"] == [0, 1]
    assert [properties["SequenceNumber"] for properties in metadata["SystemPropertiesArray"]] == [0, 1]
    assert metadata["OffsetArray"] == [properties["Offset"] for properties in metadata["SystemPropertiesArray"]]
    assert len(metadata["EnqueuedTimeUtcArray"]) == 2


def test_bodies_are_bytes_only_when_declared_binary(sandbox: Sandbox) -> None:
    """With ``data_type=STRING`` the real host makes text of them, and what is not UTF-8 is lost."""
    start(sandbox)

    for hub in sandbox.hubs:
        sandbox.send(hub, b"\xff\x00")

    wait_until(lambda: sandbox.seen("captured") and sandbox.seen("retried"))
    assert sandbox.bodies("captured") == ["\ufffd\x00"]
    assert sandbox.bodies("retried") == ["ff00"]


def test_events_from_before_the_first_start_are_delivered(sandbox: Sandbox) -> None:
    """``initialOffsetOptions`` begins at the start of the hub unless told otherwise."""
    sandbox.send(sandbox.hubs[0], "early")

    start(sandbox)

    wait_until(lambda: sandbox.bodies("captured") == ["early"])


def test_without_a_retry_policy_a_batch_that_threw_is_gone(sandbox: Sandbox) -> None:
    """The checkpoint is written all the same: this is why capture has a retry policy."""
    sandbox.tell("fail-captured")
    host = start(sandbox)
    sandbox.send(sandbox.hubs[0], "lost")
    wait_until(lambda: sandbox.checkpoint(sandbox.hubs[0]) == 0)
    assert sandbox.bodies("captured") == ["lost"]
    host.process.stop()
    sandbox.untell("fail-captured")

    start(sandbox)
    sandbox.send(sandbox.hubs[0], "next")

    wait_until(lambda: "next" in sandbox.bodies("captured"))
    assert sandbox.bodies("captured") == ["lost", "next"]


def test_with_one_the_same_batch_runs_again_while_its_partition_waits(sandbox: Sandbox) -> None:
    """Order within a partition survives an outage of storage, and the other partitions go on."""
    start(sandbox)
    sandbox.tell("fail-retried")
    sandbox.send(sandbox.hubs[1], "a", "b", partition="0")
    wait_until(lambda: len(sandbox.seen("retried")) >= 1)
    sandbox.send(sandbox.hubs[1], "c", partition="0")
    wait_until(lambda: len(sandbox.seen("retried")) >= 3)
    first = [note["bodies"] for note in sandbox.seen("retried")]
    assert first == [[b"a".hex(), b"b".hex()]] * len(first)
    assert [note["retry"] for note in sandbox.seen("retried")] == list(range(len(first)))

    sandbox.untell("fail-retried")
    sandbox.send(sandbox.hubs[1], "d", partition="1")

    wait_until(lambda: {b"c".hex(), b"d".hex()} <= set(sandbox.bodies("retried")))
    on_first = [note["bodies"] for note in sandbox.seen("retried") if note["partition"] == "0"]
    assert on_first[-1] == [b"c".hex()]
    assert all(bodies == [b"a".hex(), b"b".hex()] for bodies in on_first[:-1])


def test_a_batch_that_was_being_retried_comes_again_after_a_stop(sandbox: Sandbox) -> None:
    """No checkpoint on shutdown: nothing is skipped because a deployment fell into an outage."""
    sandbox.tell("fail-retried")
    host = start(sandbox)
    sandbox.send(sandbox.hubs[1], "a")
    wait_until(lambda: sandbox.seen("retried"))
    assert host.process.stop() == 0
    attempts = len(sandbox.seen("retried"))
    sandbox.untell("fail-retried")

    start(sandbox)

    wait_until(lambda: len(sandbox.seen("retried")) > attempts)
    assert sandbox.seen("retried")[-1]["bodies"] == [b"a".hex()]


def test_a_batch_cut_off_by_sigkill_comes_again(sandbox: Sandbox) -> None:
    host = start(sandbox)
    sandbox.send(sandbox.hubs[0], "done")
    wait_until(lambda: sandbox.checkpoint(sandbox.hubs[0]) == 0)
    assert sandbox.bodies("captured") == ["done"]
    sandbox.tell("slow-captured", "30")
    sandbox.send(sandbox.hubs[0], "cut", "off")
    wait_until(lambda: host.state()["running"])

    host.process.kill()
    sandbox.untell("slow-captured")
    start(sandbox)

    wait_until(lambda: sandbox.bodies("captured") == ["done", "cut", "off"])


def test_two_hosts_share_the_partitions_and_one_inherits_the_others(sandbox: Sandbox) -> None:
    first = start(sandbox)
    second = sandbox.start()
    wait_until(lambda: len(first.partitions("captured")) == len(second.partitions("captured")) == 1)
    for partition in ALL:
        sandbox.send(sandbox.hubs[0], f"shared {partition}", partition=partition)
    wait_until(lambda: len(set(sandbox.bodies("captured"))) == 2)
    assert len({note["process"] for note in sandbox.seen("captured")}) == 2

    first.process.kill()

    wait_until(lambda: second.partitions("captured") == ALL)
    for partition in ALL:
        sandbox.send(sandbox.hubs[0], f"inherited {partition}", partition=partition)
    wait_until(lambda: {"inherited 0", "inherited 1"} <= set(sandbox.bodies("captured")))


def test_a_recreated_hub_is_read_from_its_beginning(sandbox: Sandbox) -> None:
    """Its partitions refuse the old checkpoint; without help they would be asked for it for ever."""
    host = start(sandbox)
    sandbox.send(sandbox.hubs[0], *(f"old {number}" for number in range(5)))
    wait_until(lambda: sandbox.checkpoint(sandbox.hubs[0]) == 4)
    assert len(sandbox.bodies("captured")) == 5
    host.process.stop()
    sandbox.emulator.recreate(sandbox.hubs[0])
    sandbox.send(sandbox.hubs[0], "new")

    start(sandbox)

    wait_until(lambda: sandbox.bodies("captured")[5:] == ["new"], timeout_s=40.0)

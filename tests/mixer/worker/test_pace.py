from mixer.worker.pace import COMPLAINT_INTERVAL, INTERVAL, Complaint, Gate


def test_the_first_goes_at_once_and_the_next_ones_together_a_second_later() -> None:
    gate = Gate()
    assert not gate.due(0)
    gate.ask()
    assert gate.due(5)
    for at in range(10, 100):
        gate.ask()
        assert not gate.due(at)
    assert gate.due(5 + INTERVAL)
    assert not gate.due(5 + 3 * INTERVAL), "what was put off is done once"


def test_one_complains_seldom() -> None:
    complaint = Complaint()
    assert complaint.due(5)
    assert not complaint.due(5 + COMPLAINT_INTERVAL - 1)
    assert complaint.due(5 + COMPLAINT_INTERVAL)

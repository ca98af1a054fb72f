from harness.growth.triggers import AtStep, Progress


def test_it_fires_at_its_step_and_at_no_other() -> None:
    trigger = AtStep(step=3)

    fired = [trigger.observe(None, Progress(step, step, 0, {}, evaluated=False))[1] for step in range(1, 6)]

    assert fired == [False, False, True, False, False]

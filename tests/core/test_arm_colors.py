from harness.core.arm_colors import ARM_COLORS, color_of


def test_the_first_arms_have_colors_of_their_own() -> None:
    assert len(set(ARM_COLORS)) == 6
    assert [color_of(place) for place in (0, 1, 6)] == ["#d97706", "#1d4e89", "#d97706"]

"""Optimizer surgery: what an optimizer, its groups and its schedules need to follow a growth."""

from harness.growth.surgery.coverage import check_coverage
from harness.growth.surgery.factors import follow_factors
from harness.growth.surgery.given_settings import check_settings
from harness.growth.surgery.groups import AddedGroup, Home, named_home
from harness.growth.surgery.names import ParameterNames
from harness.growth.surgery.operate import operate
from harness.growth.surgery.rates import scale_rates
from harness.growth.surgery.schedules import Schedules
from harness.growth.surgery.still import check_still
from harness.growth.surgery.wrapped import bare

__all__ = [
    "AddedGroup",
    "Home",
    "ParameterNames",
    "Schedules",
    "bare",
    "check_coverage",
    "check_settings",
    "check_still",
    "follow_factors",
    "named_home",
    "operate",
    "scale_rates",
]

"""What this machine has of what harness needs: software, devices, folders and databases."""

from harness.diagnosis.finding import Finding
from harness.diagnosis.hardware import look_at_hardware
from harness.diagnosis.places import look_at_places
from harness.diagnosis.software import look_at_software

__all__ = ["Finding", "look_at_hardware", "look_at_places", "look_at_software"]

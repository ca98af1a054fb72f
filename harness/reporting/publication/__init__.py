"""From contents to files: pages, data, manifest, and a folder that has all of them or none."""

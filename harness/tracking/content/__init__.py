"""What is shown of a study and of a run: names, params, metrics, tags, notes and files, alike in every tracker."""

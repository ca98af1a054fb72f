from pathlib import Path

from tests.conformance.test_metrics import METRICS

PAGE = Path(__file__).parents[2] / "reports" / "docs" / "pages" / "metrics.md"
BETTER = {"maximize": "higher", "minimize": "lower"}


def test_the_table_has_every_metric_with_its_direction_unit_and_kinds() -> None:
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.read_text().splitlines() if "|" in line]
    found = {row[0].strip("`"): row[1:4] for row in rows[2:]}

    expected = {
        type(metric).__name__: [
            BETTER[metric.direction],
            metric.unit.replace("target", "target's"),
            ", ".join(metric.reads),
        ]
        for metric in METRICS
        if metric.kind != "torchmetrics"
    }
    assert {name: row for name, row in found.items() if name != "FromTorchmetrics"} == expected
    assert "FromTorchmetrics" in found

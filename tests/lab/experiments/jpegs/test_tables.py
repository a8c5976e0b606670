from dataclasses import replace

from geosal.lab.experiments.jpegs import Outcome, anova, tables
from geosal.lab.experiments.wish import collections

TABLE_1 = """\
**Table 1: MS-ROI compression against JPEG at Q = 50, for images with salient regions (up to 30 % \
of the pixels); 1 of 1**

|  | MSE | PSNR (dB) | SSIM | MS-SSIM | File size (B) | Q final | size off by % |\
 MSE, salient | PSNR (dB), salient | SSIM, salient | MS-SSIM, salient |\
 MSE, background | PSNR (dB), background | SSIM, background | MS-SSIM, background |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| *Image 1 (bird, 10 % salient)* |  |  |  |  |  |  |  |  |  |  |  |  |  |  |  |
| JPEG | 65.025 | 30.000 | 0.9000 | 0.9500 | 2000 | 50.0 | - |\
 65.025 | 30.000 | 0.9000 | 0.9500 | 65.025 | 30.000 | 0.9000 | 0.9500 |
| MS-ROI | 51.651 | 31.000 | 0.9100 | 0.9600 | 2010 | 51.0 | +0.50 |\
 41.028 | 32.000 | 0.9000 | 0.9500 | 81.862 | 29.000 | 0.9000 | 0.9500 |"""
TABLE_3 = """\
**Table 3: averages of 2 images of Towns; [n of m] leaves out those of which a file \
could not be made**

|  | PSNR (dB) | SSIM | MSE | MS-SSIM | File size (B) | Q final | size off by % |\
 MSE, salient | PSNR (dB), salient | SSIM, salient | MS-SSIM, salient |\
 MSE, background | PSNR (dB), background | SSIM, background | MS-SSIM, background |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| JPEG (50) | 32.000 | 0.9000 | 45.456 | 0.9500 | 3000 | 50.0 | - |\
 45.456 | 32.000 | 0.9000 | 0.9500 | 45.456 | 32.000 | 0.9000 | 0.9500 |
| MS-ROI | 34.000 | 0.9200 | 32.313 | 0.9700 | 3010 | 52.0 | +0.50 |\
 23.765 | 36.000 | 0.9000 | 0.9500 | 66.756 | 30.000 | 0.9000 | 0.9500 |"""


def test_layouts_of_the_paper(outcome: Outcome) -> None:
    made = {table.name: table for table in tables(outcome, anova(outcome))}
    assert list(made) == ["table1", "table2", "table3", "anova", "maps"]
    assert made["table1"].to_markdown() == TABLE_1
    assert made["table3"].to_markdown() == TABLE_3
    assert "Image 1 (truck, 60 % salient)" in made["table2"].to_markdown()


def test_csv_has_a_heading_in_each_row(outcome: Outcome) -> None:
    first = next(iter(tables(outcome, anova(outcome)))).to_csv()
    assert first[0][:3] == ("image", "", "MSE")
    assert [row[:2] for row in first[1:]] == [
        ("Image 1 (bird, 10 % salient)", "JPEG"),
        ("Image 1 (bird, 10 % salient)", "MS-ROI"),
    ]
    assert len({len(row) for row in first}) == 1


def test_sizes_that_are_off_are_marked_and_missing_files_told(outcome: Outcome) -> None:
    trials = list(outcome.trials)
    trials[1] = replace(trials[1], bytes=2041)
    trials[3] = replace(trials[3], bytes=None, parts={}, final_quality=None, missed="too far")
    changed = replace(outcome, trials=tuple(trials))
    first, second, third, *_ = (table.to_markdown() for table in tables(changed, anova(changed)))
    assert "| 2041 | 51.0 | +2.05 (over 1 %!) |" in first
    assert "| MS-ROI | - | - | - | - | not reached | - | - |" in second
    assert "| JPEG (50) [1 of 2] | 30.000 |" in third
    assert "| MS-ROI [1 of 2] | 31.000 |" in third


def test_a_collection_each_and_names_of_modes(outcome: Outcome) -> None:
    modes = ("twopass:low=30,high=70", "quality", "quality:low=10,high=90")
    wish = replace(outcome.wish, images=collections("images", {"Towns": "a", "Sea": "b"}), modes=modes)
    changed = replace(outcome, wish=wish)
    made = {table.name: table for table in tables(changed, anova(changed))}
    assert (
        made["table4"].caption
        == "Table 4: averages of 0 images of Sea; [n of m] leaves out those of which a file could not be made"
    )
    labels = [row[0].partition(" [")[0] for row in made["table3"].rows]
    assert labels == ["JPEG (50)", "MS-ROI", "quality", "quality:low=10,high=90"]

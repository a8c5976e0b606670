"""The papers' evaluations on any folders of images: one engine, and a room for each study.

- `study`: what a study is, and the table of them; `read_study` reads a recipe.
- `engine`: tasks in parallel, a journal, and runs that go on where one was killed.
- `wish`, `images`, `desk`, `rows`: keys, images, folders and tables that all studies share.
- `jpegs`: Selimovic and Hladnik (2018), plain JPEG against MS-ROI at equal bytes.
- `sweep`: Downes, Saltwick and Chen (2023), smoothing by kernels and masks, and what encoders make of it.
- `detection`: the same, what smoothing costs a detector.
"""

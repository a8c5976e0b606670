"""The main job: the wish, the decision, the work on blocks, and the search for what a target asks."""

"""The main job: recipe, plan, work on blocks, and the search for a setting that meets a target."""

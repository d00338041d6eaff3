"""The main job: steps in order, under a lease, and its dry run."""

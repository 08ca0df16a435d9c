"""Turn annotations into a checkpoint."""

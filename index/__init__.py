"""Remember people; find them by label or by vector."""

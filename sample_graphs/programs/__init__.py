"""Programs as people write them: they know nothing of edgegrad, and `record` runs them unchanged."""

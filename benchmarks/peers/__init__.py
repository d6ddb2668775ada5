"""Programs that others wrote, to measure against. Each lives in an environment of its own, never in the product's."""

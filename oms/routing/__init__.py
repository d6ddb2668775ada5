"""Where an order should go: the market as a graph, and the split over it."""

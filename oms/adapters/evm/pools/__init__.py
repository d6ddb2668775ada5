"""Pool loaders, a module per family, and the source that runs them together."""

"""What the application asks of the world, in the core's words."""

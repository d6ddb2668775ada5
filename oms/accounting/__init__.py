"""What really happened, folded from fills and transfers: realised amounts beside predicted ones."""

"""Programs beside the product: the demonstration, and generators of files that are kept in the repository."""

"""Other tools' recipes, read and translated into a profile that gives away no more than they do."""

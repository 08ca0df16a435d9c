"""Commands, screens and HTTP: the package that people touch."""

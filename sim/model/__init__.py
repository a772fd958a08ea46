"""Linear models, which every engine reads, and the components from which they are built."""

"""The tests: a folder per room, and `architecture` for the rules of the house."""

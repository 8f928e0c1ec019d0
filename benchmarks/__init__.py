"""How fast and how large the program is, side by side with its peers. See README.md."""

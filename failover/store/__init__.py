"""The consensus store: its door, what it holds, how it is read and changed."""

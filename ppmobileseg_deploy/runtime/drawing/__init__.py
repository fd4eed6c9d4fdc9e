"""Class ids to pictures for people."""

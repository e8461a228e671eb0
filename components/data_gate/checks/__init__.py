"""The checks of the data gate: each turns what is known of the data into findings."""

"""What leaves the process as text: credentials are masked, cells are safe in a spreadsheet."""

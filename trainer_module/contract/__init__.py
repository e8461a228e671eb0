"""What all three packages share: errors, example features, base of options, locations."""

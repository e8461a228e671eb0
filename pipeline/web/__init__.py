"""What the local servers share: addresses, hosts, pages, JSON responses and errors."""

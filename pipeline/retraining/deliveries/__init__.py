"""Deliveries in the inbox: which are complete, how they are copied, and when they are taken."""

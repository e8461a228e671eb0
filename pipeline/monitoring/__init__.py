"""`carryover monitor`: what arrives at the server, against what the serving model knows."""

"""What people see: streams, lines, tables and colours, in which every name is printable."""
